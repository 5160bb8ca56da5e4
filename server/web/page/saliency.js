// The button that marks what the model looks at. While it is on, the page requests marked pictures one by one.

import { notice } from "/page/notice.js";

const $ = (id) => document.getElementById(id);
const INTERVAL_MS = 100, RETRY_MS = 1000;

export class Saliency {
  // simulator(): the one on the page, or null.
  constructor(simulator) {
    Object.assign(this, { simulator, on: false, shows: false, requesting: false });
    $("look").onclick = () => this.press(!this.on);
  }

  press(on, error = "") {
    this.on = on;
    if (!on) this.shows = false;
    $("look").setAttribute("aria-pressed", on);
    notice(error, { kind: "bad" });
    this.look();
  }

  async look() {
    if (this.requesting) return;
    this.requesting = true;
    while (this.on && !document.hidden) {
      const next = new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
      if (this.simulator() === null) this.shows = false;
      else await this.request(this.simulator());
      await next;
    }
    this.requesting = false;
  }

  async request(simulator) {
    try {
      const answer = await fetch(`/api/saliency?simulator=${simulator}`);
      if (answer.status === 404) return; // it has just left
      if (answer.status === 202) {
        this.shows = false; // the camera goes on without marks
        const { preparing, seconds } = await answer.json();
        if (this.on) notice(preparing, { seconds });
      }
      if (answer.status === 202 || answer.status === 429) return new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      if (!answer.ok) throw new Error((await answer.json()).error);
      const picture = await asDataUrl(await answer.blob());
      if (!this.on || this.simulator() !== simulator) return;
      if (!this.shows) notice("Pink: where the network's features are strong, at every depth.");
      this.shows = true;
      $("camera").src = picture;
    } catch (error) {
      this.press(false, error instanceof TypeError ? "The server does not answer." : error.message);
    }
  }
}

function asDataUrl(blob) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(blob);
  });
}
