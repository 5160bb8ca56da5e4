// The buttons: each asks the API, and shows what the server says then, not what was hoped for.

const $ = (id) => document.getElementById(id);

export class Controls {
  // show: takes a status.
  constructor(show) {
    this.show = show;
    this.status = null;
    this.dragging = false;
    $("pause").onclick = () => this.ask("POST", this.status?.paused ? "resume" : "pause");
    $("record").onclick = () => this.record();
    $("save").onclick = () => this.save();
    $("switch").onclick = () => this.change($("model").value);
    $("model").onchange = () => this.offer();
    $("speed").oninput = () => { this.dragging = true; this.tellSpeed(Number($("speed").value)); };
    $("speed").onchange = async () => {
      await this.ask("PUT", "speed", { mph: Number($("speed").value) });
      this.dragging = false;
    };
    document.addEventListener("keydown", (event) => this.key(event));
    this.listModels();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest("select, input")) return;
    const button = { p: "pause", r: "record", s: "save", l: "look" }[event.key.toLowerCase()];
    if (button) $(button).click();
  }

  async ask(method, path, body) {
    try {
      const answer = await fetch(`/api/${path}`, {
        method,
        headers: body ? { "Content-Type": "application/json" } : {},
        body: body && JSON.stringify(body),
      });
      const told = await answer.json();
      if (!answer.ok) throw new Error(told.error);
      this.notice("");
      if (told.simulators) this.show(told);
      return told;
    } catch (error) {
      this.notice(error instanceof TypeError ? "The server does not answer." : error.message, "bad");
      return null;
    }
  }

  async record() {
    const on = this.status?.recording.on, folder = this.status?.recording.folder;
    const told = await this.ask("POST", on ? "recording/stop" : "recording/start");
    if (told) this.notice(on ? `Recorded in ${folder}.` : `Recording in ${told.recording.folder}.`);
  }

  async save() {
    const seconds = Math.round(this.status?.recording.seconds_kept ?? 0);
    $("save").disabled = true;
    const told = await this.ask("POST", "recording/save");
    $("save").disabled = false;
    if (told) this.notice(`Saved the last ${seconds} s in ${told.recording.saved}.`);
  }

  async change(name) {
    const told = await this.ask("POST", "model", { name });
    if (told) this.notice(`Loading ${name}; ${told.model.name} drives meanwhile.`);
  }

  async listModels() {
    const told = await this.ask("GET", "models");
    if (!told) return;
    $("model").replaceChildren(...told.models.map((name) => new Option(name, name)));
    $("model").value = told.driving;
    this.offer();
  }

  offer() {
    const model = this.status?.model;
    $("switch").disabled = !model || Boolean(model.loading) || $("model").value === model.name;
    $("switch").textContent = model?.loading ? "Loading" : "Switch";
  }

  update(status) {
    const before = this.status?.model.name;
    if (before && before !== status.model.name) {
      $("model").value = status.model.name;
      this.notice(`${status.model.name} drives now.`);
    }
    this.status = status;
    press("pause", status.paused, status.paused ? "Let the model drive" : "Pause the model");
    const { on, frames } = status.recording;
    press("record", on, on ? `Stop recording (${frames})` : "Record");
    if (!this.dragging && document.activeElement !== $("speed")) {
      if (status.target_speed_mph !== null) $("speed").value = status.target_speed_mph;
      this.tellSpeed(status.target_speed_mph, status.constant_throttle);
    }
    this.offer();
  }

  tellSpeed(mph, throttle) {
    $("speed-told").textContent = mph === null ? `throttle ${throttle}` : `${mph} mph`;
  }

  notice(text, kind = "") {
    $("notice").textContent = text;
    $("notice").className = kind;
  }
}

function press(id, on, text) {
  $(id).setAttribute("aria-pressed", on);
  const label = $(id).firstElementChild;
  if (label.textContent !== text) label.textContent = text;
}
