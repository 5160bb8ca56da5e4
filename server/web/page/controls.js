// The buttons: each calls the API and then shows the state that the server returns.

const $ = (id) => document.getElementById(id);

export class Controls {
  // show: called with each status.
  constructor(show) {
    this.show = show;
    this.status = null;
    this.dragging = false;
    $("pause").onclick = () => this.call("POST", this.status?.paused ? "resume" : "pause");
    $("record").onclick = () => this.record();
    $("save").onclick = () => this.save();
    $("switch").onclick = () => this.change($("model").value);
    $("model").onchange = () => this.offer();
    $("speed").oninput = () => { this.dragging = true; this.showSpeed(Number($("speed").value)); };
    $("speed").onchange = async () => {
      await this.call("PUT", "speed", { mph: Number($("speed").value) });
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

  async call(method, path, body) {
    try {
      const response = await fetch(`/api/${path}`, {
        method,
        headers: body ? { "Content-Type": "application/json" } : {},
        body: body && JSON.stringify(body),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error);
      this.notice("");
      if (answer.simulators) this.show(answer);
      return answer;
    } catch (error) {
      this.notice(error instanceof TypeError ? "The server does not answer." : error.message, "bad");
      return null;
    }
  }

  async record() {
    const on = this.status?.recording.on, folder = this.status?.recording.folder;
    const answer = await this.call("POST", on ? "recording/stop" : "recording/start");
    if (answer) this.notice(on ? `Recorded in ${folder}.` : `Recording in ${answer.recording.folder}.`);
  }

  async save() {
    const seconds = Math.round(this.status?.recording.seconds_kept ?? 0);
    $("save").disabled = true;
    const answer = await this.call("POST", "recording/save");
    $("save").disabled = false;
    if (answer) this.notice(`Saved the last ${seconds} s in ${answer.recording.saved}.`);
  }

  async change(name) {
    const answer = await this.call("POST", "model", { name });
    if (answer) this.notice(`The server loads ${name}; ${answer.model.name} drives meanwhile.`);
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
      this.notice(`${status.model.name} drives now.`);
    }
    this.status = status;
    press("pause", status.paused, status.paused ? "Let the model drive" : "Pause the model");
    const { on, frames } = status.recording;
    press("record", on, on ? `Stop recording (${frames})` : "Record");
    if (!this.dragging && document.activeElement !== $("speed")) {
      if (status.target_speed_mph !== null) $("speed").value = status.target_speed_mph;
      this.showSpeed(status.target_speed_mph, status.constant_throttle);
    }
    this.offer();
  }

  showSpeed(mph, throttle) {
    $("speed-value").textContent = mph === null ? `throttle ${throttle}` : `${mph} mph`;
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
