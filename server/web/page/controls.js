// The buttons: each calls the API and then shows the state that the server returns.

import { notice } from "/page/notice.js";

const $ = (id) => document.getElementById(id);
const SLIDER_MPH = 30; // the top speed of Udacity's car; a higher target stretches the slider
const TEXT_FIELDS = "textarea, [contenteditable], input:not([type=range], [type=number])";

export class Controls {
  // show: called with each status.
  constructor(show) {
    this.show = show;
    this.status = null;
    this.setting = false; // whether the user is setting the speed, or the server does not know it yet
    this.moving = false; // whether the slider has been moved and not yet let go
    this.speed = null; // the speed that the server is to be sent next
    $("pause").onclick = () => this.call("POST", this.status?.paused ? "resume" : "pause");
    $("record").onclick = () => this.record();
    $("save").onclick = () => this.save();
    $("switch").onclick = () => this.change($("model").value);
    $("model").onchange = () => this.offer();
    for (const [id, other] of [["speed", "speed-number"], ["speed-number", "speed"]]) {
      $(id).oninput = () => { this.setting = this.moving = true; $(other).value = $(id).value; };
      $(id).onchange = () => this.setSpeed($(id));
    }
    document.addEventListener("keydown", (event) => this.key(event));
    this.listModels();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const button = { p: "pause", r: "record", s: "save", l: "look" }[event.key.toLowerCase()];
    if (!button || event.target.closest(TEXT_FIELDS)) return;
    event.preventDefault();
    $(button).click();
  }

  async call(method, path, body) {
    try {
      const response = await fetch(`/api/${path}`, {
        method,
        headers: body ? { "Content-Type": "application/json" } : {},
        body: body && JSON.stringify(body),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error);
      notice("");
      if (answer.simulators) this.show(answer);
      return answer;
    } catch (error) {
      notice(error instanceof TypeError ? "The server does not answer." : error.message, { kind: "bad" });
      return null;
    }
  }

  async record() {
    const on = this.status?.recording.on;
    const answer = await this.call("POST", on ? "recording/stop" : "recording/start");
    if (answer && on) finished("Recorded", answer);
    else if (answer) notice(`Recording in ${answer.recording.folder}.`);
  }

  // Sends one speed at a time, so that none overtakes another; of several that wait only the last is sent.
  async setSpeed(field) {
    this.moving = false;
    if (field.checkValidity() && field.value !== "") {
      const sending = this.speed !== null;
      this.speed = Number(field.value);
      if (sending) return;
      for (let mph = null; mph !== this.speed; ) await this.call("PUT", "speed", { mph: (mph = this.speed) });
      this.speed = null;
    } else {
      notice("The target speed is a number from 0 to 100 mph.", { kind: "bad" });
    }
    this.setting = this.moving;
  }

  async save() {
    $("save").disabled = true;
    const answer = await this.call("POST", "recording/save");
    $("save").disabled = false;
    if (answer) finished("Saved", answer);
  }

  async change(name) {
    const answer = await this.call("POST", "model", { name });
    if (answer) notice(`The server loads ${name}; ${answer.model.name} drives meanwhile.`);
  }

  async listModels() {
    const answer = await this.call("GET", "models");
    if (!answer) return;
    $("model").replaceChildren(...answer.models.map((name) => new Option(name, name)));
    $("model").value = answer.driving;
    this.offer();
  }

  offer() {
    const model = this.status?.model;
    $("switch").disabled = !model || Boolean(model.loading) || $("model").value === model.name;
    $("switch").textContent = model?.loading ? "Loading" : "Switch";
  }

  update(status) {
    const previous = this.status?.model.name;
    if (previous && previous !== status.model.name) {
      $("model").value = status.model.name;
      notice(`${status.model.name} drives now.`);
    }
    this.status = status;
    label("pause", status.paused, status.paused ? "Let the model drive" : "Pause the model");
    const { on, frames } = status.recording;
    label("record", on, on ? `Stop recording (${frames})` : "Record");
    if (!this.setting) this.showSpeed(status.target_speed_mph, status.constant_throttle);
    this.offer();
  }

  showSpeed(mph, throttle) {
    $("speed").max = Math.max(SLIDER_MPH, Math.ceil((mph ?? 0) / 10) * 10);
    if (mph !== null) $("speed").value = mph;
    $("speed-number").value = mph ?? "";
    $("speed-unit").textContent = mph === null ? `throttle ${throttle}` : "mph";
  }
}

// The label says what the next press does, so the button is no switch that is on or off.
function label(id, on, text) {
  $(id).classList.toggle("on", on);
  const words = $(id).firstElementChild;
  if (words.textContent !== text) words.textContent = text;
}

function finished(verb, { recording }) {
  const { name, path, frames } = recording.finished.at(-1);
  const link = [`/api/recordings/${encodeURIComponent(name)}.zip`, "Download (ZIP)"];
  notice(`${verb} ${frames} pictures in ${path}`, { link });
}
