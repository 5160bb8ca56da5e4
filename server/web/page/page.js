// The live page: it shows the server's events. It inserts everything as text, never as HTML.

import { Controls } from "/page/controls.js";
import { Plot } from "/page/plots.js";
import { Saliency } from "/page/saliency.js";

const $ = (id) => document.getElementById(id);
const FULL_LOCK_DEG = 25, ARC_DEG = 45; // the arc of the scale; the rim turns three times as far, as a car's steering wheel does
const RIM_TURN = 3;

const plots = {
  speed: new Plot($("plot-speed"), { high: 20 }),
  throttle: new Plot($("plot-throttle"), { low: -1, high: 1, zero: true }),
  latency: new Plot($("plot-latency"), { high: 4 }),
  rate: new Plot($("plot-rate"), { high: 25 }),
};
const controls = new Controls(showStatus);
const saliency = new Saliency(controls, () => current);
let events = null, choice = null, current = null; // choice: the user's simulator; current: the one on the page

function listen() {
  events?.close();
  events = new EventSource(choice === null ? "/api/events" : `/api/events?simulator=${choice}`);
  events.addEventListener("status", (event) => showStatus(JSON.parse(event.data)));
  events.addEventListener("frame", (event) => showFrame(JSON.parse(event.data)));
  events.onerror = () => showFindings([{ level: "bad", text: "The server does not answer. The page keeps trying." }]);
}

function showStatus(status) {
  controls.update(status);
  showFindings(status.doctor);
  $("recording-mark").hidden = !status.recording.on;
  showModel(status.model);
  showShadow(status.shadow);
  showSimulators(status.simulators);
  if (!status.simulators.length) forgetCar();
}

function showFindings(findings) {
  const text = [...$("doctor").children].map((line) => line.className + line.textContent).join();
  if (text === findings.map((finding) => finding.level + finding.text).join()) return;
  $("doctor").replaceChildren(...findings.map(({ level, text }) => element("p", text, level)));
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
    row.children[i].textContent = `Simulator ${simulator}: ${state}`;
    row.children[i].setAttribute("aria-pressed", simulator === selected);
  });
}

function choose(number) {
  choice = number;
  listen();
}

function showFrame(frame) {
  if (current !== frame.simulator) Object.values(plots).forEach((plot) => plot.clear());
  current = frame.simulator;
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
  show("speed", frame.time_s, frame.speed_mph, 1);
  show("throttle", frame.time_s, frame.throttle, 2);
  show("latency", frame.time_s, frame.latency_ms, 1);
  show("rate", frame.time_s, frame.rate_hz, 0);
}

function show(name, time_s, value, digits) {
  $(`${name}-now`).textContent = value.toFixed(digits);
  plots[name].add(time_s, value);
  plots[name].draw();
}

function forgetCar() {
  if (current === null) return;
  current = null;
  $("camera").hidden = true;
  $("no-camera").hidden = false;
  for (const name of Object.keys(plots)) { $(`${name}-now`).textContent = "-"; plots[name].clear(); }
  for (const name of ["command", "angle"]) $(name).textContent = "-";
  for (const name of ["rim", "wheels"]) $(name).style.transform = "";
}

const clamp = (angle_deg) => Math.max(-FULL_LOCK_DEG, Math.min(FULL_LOCK_DEG, angle_deg));

const plain = (angle_deg) => `${Math.abs(angle_deg).toFixed(1)}°`;

function degrees(angle_deg) {
  return plain(angle_deg) === "0.0°" ? "0.0°" : `${angle_deg < 0 ? "←" : "→"} ${plain(angle_deg)}`;
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
addEventListener("resize", () => Object.values(plots).forEach((plot) => plot.draw()));
matchMedia("(prefers-color-scheme: dark)").onchange = () => Object.values(plots).forEach((plot) => plot.draw());
listen();
