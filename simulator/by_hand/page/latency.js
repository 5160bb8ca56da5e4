// The time from a key to the picture that it has changed, by the browser's own clock.

const LIMIT_MS = 80, GOOD_MS = 70, LAST = 15, ENOUGH = 5;

export class Latency {
  constructor() {
    this.waiting = [];
    this.times = [];
    this.slow = false;
  }

  changed(number, time) {
    if (this.waiting.length < 100) this.waiting.push({ number, time });
  }

  // A picture is drawn now whose world has felt all changes up to `number`; returns their times in ms.
  drawn(number) {
    const now = performance.now();
    const count = this.waiting.findIndex((change) => change.number > number);
    const times = this.waiting.splice(0, count < 0 ? this.waiting.length : count).map(({ time }) => now - time);
    this.times = [...this.times, ...times].slice(-LAST);
    if (this.median !== null) this.slow = this.median > (this.slow ? GOOD_MS : LIMIT_MS); // it does not flicker
    return times;
  }

  forget() {
    this.waiting = [];
  }

  get median() {
    if (this.times.length < ENOUGH) return null;
    return [...this.times].sort((a, b) => a - b)[Math.floor(this.times.length / 2)];
  }

  get warning() {
    return this.slow ? "From key to picture it takes more than 80 ms. Close other programs, or make this window smaller." : "";
  }
}
