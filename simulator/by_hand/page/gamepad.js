// A gamepad: the left stick steers, the right trigger drives, the left one brakes. Browsers must ask for its state.

const DEAD = 0.19; // of Unity's joystick axis
const BUTTONS = { 2: "record", 3: "camera", 8: "track", 9: "hand" };

export class Gamepad {
  constructor(change, press, label) {
    this.steering = this.pedal = null;
    this.change = change;
    this.press = press;
    this.label = label;
    this.held = new Set();
    addEventListener("gamepaddisconnected", () => this.poll());
  }

  // Called before each drawn frame of the browser.
  poll() {
    const pad = [...(navigator.getGamepads?.() ?? [])].find((candidate) => candidate?.connected);
    this.name(pad);
    const steering = pad ? beyond(pad.axes[0] ?? 0) : null;
    const pedal = pad ? (pad.buttons[7]?.value ?? 0) - (pad.buttons[6]?.value ?? 0) || null : null;
    if (pad) this.pressButtons(pad);
    if (steering === this.steering && pedal === this.pedal) return;
    [this.steering, this.pedal] = [steering, pedal];
    this.change(performance.now());
  }

  name(pad) {
    const text = !pad ? "press any of its buttons"
      : pad.mapping === "standard" ? "left stick steers, triggers drive and brake; X records, Start hands over"
        : "its first stick steers; its buttons are in no standard order, so keys drive";
    if (this.label.textContent !== text) this.label.textContent = text;
  }

  pressButtons(pad) {
    if (pad.mapping !== "standard") return;
    for (const [number, button] of Object.entries(BUTTONS)) {
      const down = pad.buttons[number]?.pressed;
      if (down && !this.held.has(number)) this.press(button);
      this.held[down ? "add" : "delete"](number);
    }
  }
}

// null within the dead zone; beyond it from 0 to 1 again.
function beyond(value) {
  if (Math.abs(value) <= DEAD) return null;
  return Math.max(-1, Math.min(1, Math.sign(value) * (Math.abs(value) - DEAD) / (1 - DEAD)));
}
