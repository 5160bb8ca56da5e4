// The button that marks what the model looks at: while it is on, marked pictures are asked for, one after the other.

const $ = (id) => document.getElementById(id);
const AT_MOST_EVERY_MS = 100, PATIENCE_MS = 1000;

export class Saliency {
  // controls: says why there is no picture. simulator: whose camera is shown, null while there is none.
  constructor(controls, simulator) {
    Object.assign(this, { controls, simulator, on: false, shows: false, asking: false });
    $("look").onclick = () => this.press(!this.on);
  }

  press(on, notice = "", kind = "") {
    this.on = on;
    if (!on) this.shows = false;
    $("look").setAttribute("aria-pressed", on);
    this.controls.notice(on ? "Looking into the model. The first time this takes some ten seconds." : notice, kind);
    this.look();
  }

  async look() {
    if (this.asking) return;
    this.asking = true;
    while (this.on && !document.hidden) {
      const next = new Promise((done) => setTimeout(done, AT_MOST_EVERY_MS));
      if (this.simulator() === null) this.shows = false;
      else await this.ask(this.simulator());
      await next;
    }
    this.asking = false;
  }

  async ask(simulator) {
    try {
      const answer = await fetch(`/api/saliency?simulator=${simulator}`);
      if (answer.status === 404) return; // it has just left
      if (answer.status === 202 || answer.status === 429) return new Promise((done) => setTimeout(done, PATIENCE_MS));
      if (!answer.ok) throw new Error((await answer.json()).error);
      const picture = await asText(await answer.blob());
      if (!this.on || this.simulator() !== simulator) return;
      if (!this.shows) this.controls.notice("Pink: where the network's features are strong, at every depth.");
      this.shows = true;
      $("camera").src = picture;
    } catch (error) {
      this.press(false, error instanceof TypeError ? "The server does not answer." : error.message, "bad");
    }
  }
}

function asText(blob) {
  return new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.readAsDataURL(blob);
  });
}
