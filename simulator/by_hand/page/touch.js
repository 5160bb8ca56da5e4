// A phone: the left thumb steers on one pad, the right one drives and brakes on the other; or the phone is tilted.

const REACH_PX = 70;
const LOCK_DEG = 30, DEAD_DEG = 2;

export class Touch {
  constructor(pads, change) {
    this.steering = this.pedal = null;
    this.change = change;
    pads.hidden = !matchMedia("(any-pointer: coarse)").matches;
    const [steering, pedal] = pads.children;
    this.follow(steering, "steering", (x) => [x, 0]);
    this.follow(pedal, "pedal", (x, y) => [0, y], -1);
  }

  follow(pad, name, along, sign = 1) {
    const knob = pad.querySelector("i");
    let start = null;
    const set = (value, x, y, time) => {
      this[name] = value;
      knob.style.transform = `translate(${x}px, ${y}px)`;
      this.change(time);
    };
    pad.addEventListener("pointerdown", (event) => {
      pad.setPointerCapture(event.pointerId);
      start = [event.clientX, event.clientY];
    });
    pad.addEventListener("pointermove", (event) => {
      if (!start) return;
      const [x, y] = along(event.clientX - start[0], event.clientY - start[1]).map((px) => Math.max(-REACH_PX, Math.min(REACH_PX, px)));
      set(sign * (x + y) / REACH_PX || null, x, y, event.timeStamp);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      pad.addEventListener(end, (event) => { if (start) { start = null; set(null, 0, 0, event.timeStamp); } });
    }
  }
}

export class Tilt {
  constructor(button, change) {
    this.steering = null;
    this.change = change;
    this.listen = (event) => this.turn(event);
    button.hidden = !(isSecureContext && "DeviceOrientationEvent" in window && matchMedia("(any-pointer: coarse)").matches);
    button.onclick = async () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      if (on && (await DeviceOrientationEvent.requestPermission?.() ?? "granted") !== "granted") return; // iOS asks
      (on ? addEventListener : removeEventListener)("deviceorientation", this.listen);
      button.setAttribute("aria-pressed", on);
      if (!on) this.steer(null, performance.now());
    };
  }

  turn(event) {
    const turned = screen.orientation?.angle ?? window.orientation ?? 0;
    const degrees = { 0: event.gamma, 90: event.beta, 180: -event.gamma, 270: -event.beta, [-90]: -event.beta }[turned];
    if (degrees === null || degrees === undefined) return;
    this.steer(Math.abs(degrees) < DEAD_DEG ? null : Math.max(-1, Math.min(1, degrees / LOCK_DEG)), event.timeStamp);
  }

  steer(value, time) {
    if (value === this.steering) return;
    this.steering = value;
    this.change(time);
  }
}
