// The live page: listens to the server's events and shows them; everything it is told is written as text.

import { Controls } from "/page/controls.js";
import { Plot } from "/page/plots.js";
import { Saliency } from "/page/saliency.js";

const $ = (id) => document.getElementById(id);
const FULL_LOCK_DEG = 25, SHOWN_DEG = 45; // the scale's arc; the rim turns thrice as far, as a car's does
const RIM_TURN = 3;

const plots = {
  speed: new Plot($("plot-speed"), { high: 20 }),
  throttle: new Plot($("plot-throttle"), { low: -1, high: 1, zero: true }),
  latency: new Plot($("plot-latency"), { high: 4 }),
  rate: new Plot($("plot-rate"), { high: 25 }),
};
const controls = new Controls(showStatus);
const saliency = new Saliency(controls, () => shown);
let events = null, chosen = null, shown = null;

function listen() {
  events?.close();
  events = new EventSource(chosen === null ? "/api/events" : `/api/events?simulator=${chosen}`);
  events.addEventListener("status", (event) => showStatus(JSON.parse(event.data)));
  events.addEventListener("frame", (event) => showFrame(JSON.parse(event.data)));
  events.onerror = () => sayDoctor([{ level: "bad", text: "The server does not answer. It is tried again and again." }]);
}

function showStatus(status) {
  controls.update(status);
  sayDoctor(status.doctor);
  $("recording-mark").hidden = !status.recording.on;
  showModel(status.model);
  showShadow(status.shadow);
  showSimulators(status.simulators);
  if (!status.simulators.length) forgetCar();
}

function sayDoctor(findings) {
  const said = [...$("doctor").children].map((line) => line.className + line.textContent).join();
  if (said === findings.map((finding) => finding.level + finding.text).join()) return;
  $("doctor").replaceChildren(...findings.map(({ level, text }) => element("p", text, level)));
}

function showModel(model) {
  const facts = [model.engine, model.device, model.engine_ms && `${model.engine_ms.toFixed(1)} ms a frame`].filter(Boolean).join(", ");
  $("about").textContent = `${model.name}: ${facts}`;
  const card = model.card, rows = [["File", model.name], ["Runs on", facts]];
  if (card) {
    const held = card.held_out, more = card.recordings.length - 3;
    const names = card.recordings.slice(0, 3).join(", ") + (more > 0 ? ` and ${more} more` : "");
    rows.push(["Network", `${card.model}, ${card.parameters.toLocaleString("en")} parameters`]);
    rows.push(["Learned from", `${names}: ${card.frames.toLocaleString("en")} frames, ${card.epochs} epochs`]);
    if (held.mae) rows.push(["Unseen road", `error ${held.mae.toFixed(3)}, correlation ${held.correlation.toFixed(2)}`]);
    rows.push(["Made", card.created.slice(0, 10)]);
  } else rows.push(["Card", "none beside the file"]);
  for (const note of model.notes ?? []) rows.push(["Note", note]);
  const text = JSON.stringify(rows);
  if ($("facts").dataset.shown === text) return;
  $("facts").dataset.shown = text;
  $("facts").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function showShadow(shadow) {
  $("shadow").hidden = !shadow;
  if (!shadow) return;
  const side = (steering) => degrees(steering * FULL_LOCK_DEG);
  $("shadow-name").textContent = shadow.model;
  $("shadow-figures").textContent = shadow.error ?? (shadow.mean === null ? "No frame yet." :
    `by ${plain(shadow.mean * FULL_LOCK_DEG)} in the mean, ${plain(shadow.p95 * FULL_LOCK_DEG)} at p95, over ${shadow.compared} frames; the largest:`);
  const worst = shadow.worst.slice(0, 4), key = worst.map((one) => one.time_s).join();
  if ($("shadow-worst").dataset.shown === key) return;
  $("shadow-worst").dataset.shown = key;
  $("shadow-worst").replaceChildren(...worst.map((one, rank) => {
    const figure = element("figure", ""), image = element("img", "");
    image.src = `/api/shadow/${rank}?at=${one.time_s}`;
    image.alt = `Disagreement ${rank + 1}`;
    figure.append(image, element("figcaption", `${side(one.steering)}, shadow ${side(one.shadow_steering)}`));
    return figure;
  }));
}

function showSimulators(simulators) {
  const row = $("simulators");
  row.hidden = simulators.length < 2;
  const numbers = simulators.map((one) => one.simulator);
  if (chosen !== null && !numbers.includes(chosen)) choose(null);
  if (row.dataset.numbers !== numbers.join()) {
    row.dataset.numbers = numbers.join();
    row.replaceChildren(...numbers.map((number) => {
      const button = element("button", "");
      button.type = "button";
      button.onclick = () => choose(number);
      return button;
    }));
  }
  const current = chosen ?? numbers[0];
  simulators.forEach((one, i) => {
    row.children[i].textContent = `Simulator ${one.simulator}: ${one.manual ? "a person" : `${one.rate_hz.toFixed(0)} views a second, ${one.speed_mph.toFixed(0)} mph`}`;
    row.children[i].setAttribute("aria-pressed", one.simulator === current);
  });
}

function choose(number) {
  chosen = number;
  listen();
}

function showFrame(frame) {
  if (shown !== frame.simulator) Object.values(plots).forEach((plot) => plot.clear());
  shown = frame.simulator;
  if (frame.image) {
    if (!saliency.shows) $("camera").src = frame.image;
    $("camera").alt = `Camera of simulator ${frame.simulator}`;
  }
  $("camera").hidden = !frame.image;
  $("no-camera").hidden = Boolean(frame.image);
  $("rim").style.transform = `rotate(${frame.command_deg * RIM_TURN}deg)`;
  $("wheels").style.transform = `rotate(${(clamp(frame.wheel_deg) / FULL_LOCK_DEG) * SHOWN_DEG}deg)`;
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
  if (shown === null) return;
  shown = null;
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
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

document.addEventListener("visibilitychange", () => {
  saliency.look();
  if (document.hidden) events?.close(); // a page that nobody sees asks for nothing
  else listen();
});
addEventListener("resize", () => Object.values(plots).forEach((plot) => plot.draw()));
matchMedia("(prefers-color-scheme: dark)").onchange = () => Object.values(plots).forEach((plot) => plot.draw());
listen();
