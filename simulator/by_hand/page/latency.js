// The time from a key to the picture that it has changed, by the browser's own clock.

const LIMIT_MS = 80, LAST = 15, ENOUGH = 5;

export class Latency {
  constructor() {
    this.waiting = [];
    this.times = [];
  }

  changed(number, time) {
    if (this.waiting.length < 100) this.waiting.push({ number, time });
  }

  // A picture is drawn now whose world has felt all changes up to `number`.
  drawn(number) {
    const now = performance.now();
    while (this.waiting.length && this.waiting[0].number <= number) {
      this.times.push(now - this.waiting.shift().time);
    }
    this.times.splice(0, this.times.length - LAST);
  }

  forget() {
    this.waiting = [];
  }

  get median() {
    if (this.times.length < ENOUGH) return null;
    return [...this.times].sort((a, b) => a - b)[Math.floor(this.times.length / 2)];
  }

  get warning() {
    if (!(this.median > LIMIT_MS)) return "";
    return `From key to picture it takes ${Math.round(this.median)} ms: too long to drive well. Close other programs, or make this window smaller.`;
  }
}
