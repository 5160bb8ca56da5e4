// The drive: what the person holds goes to the world at once, and the world's pictures come back.

import { Gamepad } from "./gamepad.js";
import { Keyboard } from "./keyboard.js";
import { Latency } from "./latency.js";
import { Panel } from "./panel.js";
import { Tilt, Touch } from "./touch.js";

const $ = (id) => document.getElementById(id);
const REPORT_EVERY_MS = 250, AGAIN_MS = 1000;
const ANOTHER_PAGE = 4000, BAD_MESSAGE = 4001;

const panel = new Panel(), latency = new Latency();
const canvas = $("camera"), context = canvas.getContext("2d", { alpha: false });
let socket = null, number = 0, newest = 0, reportTime = 0;

const keyboard = new Keyboard(canvas, change, press);
const gamepad = new Gamepad(change, press, $("gamepad"));
const touch = new Touch($("pads"), change);
const tilt = new Tilt($("tilt"), change);

function change(time) {
  number += 1;
  latency.changed(number, time);
  report();
}

function report() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  reportTime = performance.now();
  socket.send(JSON.stringify({
    number, picture: newest,
    keys: keyboard.keys,
    steering: keyboard.steering ?? touch.steering ?? gamepad.steering ?? tilt.steering,
    pedal: touch.pedal ?? gamepad.pedal,
    visible: !document.hidden,
    scale: canvas.clientWidth * devicePixelRatio > 400 ? 2 : 1,
  }));
}

function press(button) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ press: button }));
}

function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/socket`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { newest = 0; latency.forget(); report(); };
  socket.onmessage = (event) => draw(event.data);
  socket.onclose = (event) => {
    if (event.code === ANOTHER_PAGE) return panel.cover("Another page drives now.", true);
    if (event.code === BAD_MESSAGE) return panel.cover(`The simulator refuses this page: ${event.reason}`);
    panel.cover("The simulator does not answer. Is it still running?");
    setTimeout(connect, AGAIN_MS);
  };
}

async function draw(message) {
  const from = socket;
  const length = new DataView(message).getUint32(0);
  const state = JSON.parse(new TextDecoder().decode(new Uint8Array(message, 4, length)));
  const picture = await createImageBitmap(new Blob([new Uint8Array(message, 4 + length)], { type: "image/jpeg" }));
  if (from !== socket || from.readyState !== WebSocket.OPEN || state.picture < newest) return picture.close();
  if (canvas.width !== picture.width) [canvas.width, canvas.height] = [picture.width, picture.height];
  context.drawImage(picture, 0, 0);
  picture.close();
  newest = state.picture;
  const latencies_ms = latency.drawn(state.number);
  panel.cover("");
  panel.show(state, latency);
  report();
  document.dispatchEvent(new CustomEvent("drive", { detail: { ...state, latencies_ms } }));
}

function poll() {
  gamepad.poll();
  requestAnimationFrame(poll);
}

for (const [id, button] of [["record", "record"], ["hand", "hand"], ["change-camera", "camera"], ["change-track", "track"]]) {
  $(id).onclick = () => press(button);
  $(id).onpointerdown = (event) => event.preventDefault(); // the keys stay with the drive
}
$("return").onclick = connect;
document.addEventListener("visibilitychange", () => { keyboard.release(performance.now()); report(); });
setInterval(() => { if (!document.hidden && performance.now() - reportTime > REPORT_EVERY_MS) report(); }, REPORT_EVERY_MS);
connect();
poll();
