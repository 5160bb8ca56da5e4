// The message after a press of a button: it stands at the window's bottom, wherever the page is scrolled.

const $ = (id) => document.getElementById(id);
const SHOWN_MS = 10_000;
let timer = 0;

// kind: "bad" for an error, which stays until it is closed. link: [address, text] of what can be fetched; it stays too.
// seconds: how long something has lasted so far; it may change without being announced anew.
export function notice(text, { kind = "", link = null, seconds = null } = {}) {
  clearTimeout(timer);
  if ($("notice").textContent !== text) $("notice").textContent = text;
  $("notice-seconds").textContent = seconds === null ? "" : `${Math.round(seconds)} s so far`;
  $("notice-link").hidden = !link;
  if (link) [$("notice-link").href, $("notice-link").textContent] = link;
  $("toast").className = text ? kind : "unseen";
  $("notice-close").hidden = !text;
  if (text && kind !== "bad" && !link && seconds === null) timer = setTimeout(() => notice(""), SHOWN_MS);
}

$("notice-close").onclick = () => notice("");
