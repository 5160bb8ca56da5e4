// The keys and the mouse: which keys are held, and how far the mouse was dragged.

const HELD = {
  ArrowLeft: "left", KeyA: "left", ArrowRight: "right", KeyD: "right", ArrowUp: "faster", KeyW: "faster",
  ArrowDown: "slower", KeyS: "slower", Space: "brake",
};
const PRESSED = { r: "record", c: "camera", t: "track", h: "hand" };
const DRAG = 1.5; // Udacity's: two thirds of the picture's width are full lock

export class Keyboard {
  // change(time): called when something was pressed or released, at `time`; press(button): a button's key.
  constructor(picture, change, press) {
    this.codes = new Set();
    this.steering = null;
    this.change = change;
    this.press = press;
    addEventListener("keydown", (event) => this.down(event));
    addEventListener("keyup", (event) => this.up(event));
    addEventListener("blur", (event) => this.release(event.timeStamp));
    this.followMouse(picture);
  }

  get keys() {
    return [...new Set([...this.codes].map((code) => HELD[code]))];
  }

  down(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("button") && ["Space", "Enter"].includes(event.code)) return; // they press the button
    if (HELD[event.code]) {
      event.preventDefault();
      if (this.codes.has(event.code)) return;
      this.codes.add(event.code);
      this.change(event.timeStamp);
    } else if (!event.repeat && PRESSED[event.key.toLowerCase()]) {
      this.press(PRESSED[event.key.toLowerCase()]);
    }
  }

  up(event) {
    if (this.codes.delete(event.code)) this.change(event.timeStamp);
  }

  release(time) {
    if (!this.codes.size && this.steering === null) return;
    this.codes.clear();
    this.steering = null;
    this.change(time);
  }

  followMouse(picture) {
    let start = 0;
    picture.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse" || event.button !== 0) return;
      picture.setPointerCapture(event.pointerId);
      start = event.clientX;
      this.steer(0, event.timeStamp);
    });
    picture.addEventListener("pointermove", (event) => {
      if (this.steering === null || event.pointerType !== "mouse") return;
      const drag = DRAG * (event.clientX - start) / picture.clientWidth;
      this.steer(Math.max(-1, Math.min(1, drag)), event.timeStamp);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      picture.addEventListener(end, (event) => { if (this.steering !== null) this.steer(null, event.timeStamp); });
    }
  }

  steer(value, time) {
    this.steering = value;
    this.change(time);
  }
}
