// The live page: it shows the server's events. It inserts everything as text, never as HTML.

import { Controls } from "/page/controls.js";
import { Findings } from "/page/findings.js";
import { Place } from "/page/place.js";
import { Plot } from "/page/plots.js";
import { Saliency } from "/page/saliency.js";

const $ = (id) => document.getElementById(id);
const FULL_LOCK_DEG = 25, ARC_DEG = 45; // the arc of the scale; the rim turns three times as far, as a car's steering wheel does
const RIM_TURN = 3;
const SILENT_S = 2, DEAD_MS = 4000, RETRY_MS = 5000, REFUSED_MS = 300;

const plots = [
  { name: "speed", title: "Speed", field: "speed_mph", high: 20, say: (mph) => [mph.toFixed(1), "mph"] },
  { name: "steering", title: "Steering", field: "command_deg", high: 5, signed: true, say: (angle) => [degrees(angle), ""], tick: arrow },
  { name: "offset", title: "From the middle", field: "offset_m", high: 0.5, signed: true, say: sideways, tick: arrow },
  { name: "confidence", title: "Knows the view", field: "confidence", high: 1, average: true, say: (share) => [(100 * share).toFixed(0), "%"], tick: (share) => `${100 * share}` },
  { name: "throttle", title: "Throttle", field: "throttle", high: 1, signed: true, say: (throttle) => [throttle.toFixed(2), ""] },
  { name: "latency", title: "Answer time", field: "latency_ms", high: 5, average: true, say: (ms) => [ms.toFixed(1), "ms"] },
  { name: "rate", title: "Views", field: "rate_hz", high: 20, say: (hz) => [hz.toFixed(0), "a second"] },
].map((settings) => new Plot($("figures"), settings));
const optionalPlots = plots.filter((plot) => ["offset_m", "confidence"].includes(plot.field));
for (const plot of optionalPlots) plot.tile.hidden = true; // until a simulator or a model tells it
const place = new Place();
const findings = new Findings();
const controls = new Controls(showStatus);
const saliency = new Saliency(() => current);
const MANY = 6; // simulators; of more, the buttons tell the speed alone
let events = null, choice = null, current = null; // choice: the user's simulator; current: the one on the page
let heard_ms = 0, retry_timer = 0; // heard_ms: when the server's last event came

function listen() {
  events?.close();
  heard_ms = performance.now();
  events = new EventSource(choice === null ? "/api/events" : `/api/events?simulator=${choice}`);
  for (const [name, show] of Object.entries({ status: showStatus, history: showHistory, frame: showFrame, line: showLine })) {
    events.addEventListener(name, (event) => { heard_ms = performance.now(); show(JSON.parse(event.data)); });
  }
  events.onerror = lose;
}

// The server is gone or does not answer: nothing on the page may look alive.
function lose() {
  findings.show([{ level: "bad", kind: "gone", text: "The server does not answer. The page keeps trying." }]);
  fade("not live: the server does not answer");
  $("recording-mark").hidden = true;
  retry_timer ||= setTimeout(retry, events.readyState === EventSource.CLOSED ? REFUSED_MS : RETRY_MS);
}

// Ask again. A server that refuses the page, as it has too many or wants its token, says why.
async function retry() {
  retry_timer = 0;
  if (document.hidden || (events.readyState === EventSource.OPEN && performance.now() - heard_ms < DEAD_MS)) return;
  if (events.readyState === EventSource.CLOSED) {
    const answer = await fetch(events.url).catch(() => null);
    if (answer && !answer.ok) {
      const { error } = await answer.json();
      findings.show([{ level: "bad", kind: "refused", text: `The server refuses this page: ${error}.` }]);
      retry_timer = setTimeout(retry, RETRY_MS);
      return;
    }
    answer?.body.cancel();
  }
  listen();
}

function showStatus(status) {
  controls.update(status);
  findings.show(status.doctor);
  $("recording-mark").hidden = !status.recording.on;
  showModel(status.model);
  showShadow(status.shadow);
  showSimulators(status.simulators);
  if (!status.simulators.length) forgetCar();
  const shown = status.simulators.find(({ simulator }) => simulator === current);
  if (shown?.manual) fade("a person drives");
  else if (shown?.silent_s > SILENT_S) fade(`no telemetry for ${shown.silent_s.toFixed(0)} s`);
}

function showHistory(history) {
  for (const plot of plots) plot.load(history);
  place.forget();
  for (const plot of optionalPlots) plot.tile.hidden = history[plot.field].every((value) => value === null);
  current = history.simulator;
}

function showLine(line) {
  place.extend(line);
}

function showModel(model) {
  const facts = [model.engine, model.device, model.engine_ms && `${model.engine_ms.toFixed(1)} ms a frame`].filter(Boolean).join(", ");
  $("about").textContent = `${model.name}: ${facts}`;
  const card = model.card, rows = [["File", model.name], ["Runs on", facts]];
  if (card) {
    const heldOut = card.held_out, more = card.recordings.length - 3;
    const names = card.recordings.slice(0, 3).join(", ") + (more > 0 ? ` and ${more} more` : "");
    rows.push(["Network", `${card.model}, ${card.parameters.toLocaleString("en")} parameters`]);
    rows.push(["Learned from", `${names}: ${card.frames.toLocaleString("en")} frames, ${card.epochs} epochs`]);
    if (heldOut.mae) rows.push(["Unseen road", `error ${heldOut.mae.toFixed(3)}, correlation ${heldOut.correlation.toFixed(2)}`]);
    rows.push(["Created", card.created.slice(0, 10)]);
  } else rows.push(["Card", "There is none beside the file."]);
  for (const note of model.notes ?? []) rows.push(["Note", note]);
  const text = JSON.stringify(rows);
  if ($("facts").dataset.content === text) return;
  $("facts").dataset.content = text;
  $("facts").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function showShadow(shadow) {
  $("shadow").hidden = !shadow;
  if (!shadow) return;
  const side = (steering) => degrees(steering * FULL_LOCK_DEG);
  $("shadow-name").textContent = shadow.model;
  $("shadow-figures").textContent = shadow.error ?? (shadow.mean === null ? "No frame yet." :
    `${plain(shadow.mean * FULL_LOCK_DEG)} on average, ${plain(shadow.p95 * FULL_LOCK_DEG)} at p95, over ${shadow.compared} frames. The largest differences:`);
  const worst = shadow.worst.slice(0, 4), key = worst.map((frame) => frame.time_s).join();
  if ($("shadow-worst").dataset.content === key) return;
  $("shadow-worst").dataset.content = key;
  $("shadow-worst").replaceChildren(...worst.map((frame, rank) => {
    const figure = element("figure", ""), image = element("img", "");
    image.src = `/api/shadow/${rank}?at=${frame.time_s}`;
    image.alt = `Disagreement ${rank + 1}`;
    figure.append(image, element("figcaption", `${side(frame.steering)}, shadow ${side(frame.shadow_steering)}`));
    return figure;
  }));
}

function showSimulators(simulators) {
  const row = $("simulators");
  row.hidden = simulators.length < 2;
  const numbers = simulators.map((simulator) => simulator.simulator);
  if (choice !== null && !numbers.includes(choice)) choose(null);
  if (row.dataset.numbers !== numbers.join()) {
    row.dataset.numbers = numbers.join();
    row.replaceChildren(...numbers.map((number) => {
      const button = element("button", "");
      button.type = "button";
      button.onclick = () => choose(number);
      return button;
    }));
  }
  const selected = choice ?? numbers[0];
  simulators.forEach(({ simulator, manual, rate_hz, speed_mph }, i) => {
    const state = manual ? "a person drives" : `${rate_hz.toFixed(0)} views a second, ${speed_mph.toFixed(0)} mph`;
    const label = `Simulator ${simulator}: ${state}`;
    row.children[i].textContent = simulators.length > MANY ? `${simulator}: ${speed_mph.toFixed(0)} mph` : label;
    row.children[i].title = label;
    row.children[i].setAttribute("aria-pressed", simulator === selected);
  });
}

function choose(number) {
  choice = number;
  listen();
}

function showFrame(frame) {
  current = frame.simulator;
  revive();
  if (frame.image) {
    if (!saliency.shows) $("camera").src = frame.image;
    $("camera").alt = `Camera of simulator ${frame.simulator}`;
  }
  $("camera").hidden = !frame.image;
  $("no-camera").hidden = Boolean(frame.image);
  $("rim").style.transform = `rotate(${frame.command_deg * RIM_TURN}deg)`;
  $("wheels").style.transform = `rotate(${(clamp(frame.wheel_deg) / FULL_LOCK_DEG) * ARC_DEG}deg)`;
  $("command").textContent = degrees(frame.command_deg);
  $("angle").textContent = degrees(frame.wheel_deg);
  const figures = { ...frame, offset_m: frame.position?.offset_m ?? null };
  for (const plot of optionalPlots) if (figures[plot.field] !== null) plot.tile.hidden = false;
  const shown = plots.map((plot) => plot.add(frame.time_s, figures[plot.field]));
  if (shown.some(Boolean)) place.show(frame.position);
}

// The car's picture and figures are old: keep the picture, without colour, say why, and show no figures.
function fade(reason) {
  document.body.classList.add("stale");
  $("stale-mark").hidden = $("camera").hidden;
  $("stale-mark").textContent = reason;
  for (const plot of plots) plot.forget();
  place.fade();
  for (const name of ["command", "angle"]) $(name).textContent = "-";
  for (const name of ["rim", "wheels"]) $(name).style.transform = "";
}

function revive() {
  document.body.classList.remove("stale");
  $("stale-mark").hidden = true;
}

function forgetCar() {
  if (current === null) return;
  current = null;
  $("camera").hidden = true;
  $("no-camera").hidden = false;
  fade("");
  for (const plot of plots) plot.clear();
  place.forget();
}

const clamp = (angle_deg) => Math.max(-FULL_LOCK_DEG, Math.min(FULL_LOCK_DEG, angle_deg));

const plain = (angle_deg) => `${Math.abs(angle_deg).toFixed(1)}°`;

function degrees(angle_deg) {
  return plain(angle_deg) === "0.0°" ? "0.0°" : `${angle_deg < 0 ? "←" : "→"} ${plain(angle_deg)}`;
}

function arrow(value) {
  return value === 0 ? "0" : `${value < 0 ? "←" : "→"} ${Math.abs(value)}`;
}

function sideways(offset_m) {
  const distance = Math.abs(offset_m).toFixed(2);
  return [distance, distance === "0.00" ? "m" : `m ${offset_m < 0 ? "left" : "right"}`];
}

function element(name, text, kind = "") {
  const node = document.createElement(name);
  node.textContent = text;
  if (kind) node.className = kind;
  return node;
}

document.addEventListener("visibilitychange", () => {
  saliency.look();
  if (document.hidden) events?.close(); // a hidden page needs no events
  else listen();
});
function redraw() {
  for (const plot of plots) plot.draw();
  place.draw();
}

addEventListener("resize", redraw);
for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(query).onchange = redraw;
setInterval(() => { if (!document.hidden && performance.now() - heard_ms > DEAD_MS) lose(); }, 1000);
listen();
