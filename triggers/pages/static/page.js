// What a page does more than a document: it counts down, looks again, copies, and sends a form once. All of it can be done without.
"use strict";

const LOOK_EVERY_MS = 3000;
const LOOK_WHEN_OVER_MS = 60000;

function left(until) {
  const seconds = Math.floor((Date.parse(until) - Date.now()) / 1000);
  if (Number.isNaN(seconds)) return "";
  if (seconds < 0) return "over";
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  let rest = seconds;
  const said = [];
  for (const [size, name] of parts) {
    const number = Math.floor(rest / size);
    rest -= number * size;
    if (number || said.length || name === "s") said.push(`${number} ${name}`);
  }
  return "in " + said.join(" ");
}

function countDown() {
  for (const one of document.querySelectorAll("[data-until]")) {
    const said = left(one.dataset.until);
    if (one.textContent !== said) one.textContent = said;
  }
}

function showCopies(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("button.copy")) button.hidden = false;
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.innerText.trimEnd());
  const before = button.innerHTML;
  button.textContent = "Copied";
  setTimeout(() => { button.innerHTML = before; }, 2000);
}

// Replaces what changed and nothing else, never under somebody's hands: open parts stay open, focus stays where it is.
function replace(old, fresh) {
  const active = document.activeElement;
  if (old.contains(active) && active !== document.body) return false;
  if (!document.getSelection().isCollapsed && old.contains(document.getSelection().anchorNode)) return false;
  for (const part of old.querySelectorAll("details[id]")) {
    const same = fresh.querySelector(`#${CSS.escape(part.id)}`);
    if (same) same.open = part.open;
  }
  old.replaceWith(fresh);
  showCopies(fresh);
  return true;
}

const seen = new Map();

function parts(root) {
  return [...root.querySelectorAll("section[id]")];
}

function take(live, text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").body;
  const shape = (root) => parts(root).map((one) => one.id).join();
  const heard = document.getElementById("heard");
  const said = fresh.querySelector("#head").dataset.say;
  if (heard && live.querySelector("#head").dataset.say !== said) heard.textContent = said;
  if (shape(live) !== shape(fresh)) {
    // A section came or went: everything at once, unless somebody is inside, who is not disturbed.
    if (live.contains(document.activeElement)) return false;
    for (const part of live.querySelectorAll("details[id]")) {
      const same = fresh.querySelector(`#${CSS.escape(part.id)}`);
      if (same) same.open = part.open;
    }
    live.replaceChildren(...fresh.childNodes);
    showCopies(live);
    parts(live).forEach((one) => seen.set(one.id, one.outerHTML));
    return true;
  }
  let whole = true;
  for (const one of parts(fresh)) {
    const text = one.outerHTML;
    if (seen.get(one.id) === text) continue;
    if (replace(document.getElementById(one.id), one)) seen.set(one.id, text);
    else whole = false;
  }
  return whole;
}

function state(text, bad) {
  const place = document.getElementById("live-state");
  place.hidden = false;
  place.textContent = text;
  place.classList.toggle("bad", bad);
}

async function look(live, etag) {
  const headers = etag ? { "If-None-Match": etag } : {};
  const answer = await fetch(live.dataset.live, { headers, cache: "no-store", credentials: "same-origin", redirect: "manual" });
  if (answer.status === 304) return etag;
  if (!answer.ok) throw new Error(String(answer.status || "signed out"));
  const whole = take(live, await answer.text());
  countDown();
  if (answer.headers.get("X-Incident-Over")) live.dataset.over = "";
  return whole ? answer.headers.get("ETag") : "";
}

async function follow(live) {
  let etag = "";
  for (;;) {
    // Without its ETag something was kept back from somebody who was in the middle of it: soon again.
    const pause = etag && "over" in live.dataset ? LOOK_WHEN_OVER_MS : LOOK_EVERY_MS;
    await new Promise((go) => setTimeout(go, pause));
    if (document.hidden) continue;
    try {
      etag = await look(live, etag);
      state("live", false);
    } catch (problem) {
      state(`not live: ${problem.message}; reload the page`, true);
    }
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.copy");
  if (button) copy(button);
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-once]")) return;
  for (const button of event.target.querySelectorAll("button[type=submit]")) button.disabled = true;
});
// Back in the history shows the page as it was left: its button has to work again.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form[data-once] button[type=submit]")) button.disabled = false;
});
// On paper nothing can be unfolded any more.
const folded = new Set();
window.addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not([open])")) folded.add(part);
  for (const part of folded) part.open = true;
});
window.addEventListener("afterprint", () => {
  for (const part of folded) part.open = false;
  folded.clear();
});
// On a phone what is long and not the first thing to read is folded.
if (window.matchMedia("(max-width: 40rem)").matches) {
  for (const part of document.querySelectorAll("details[data-wide]")) part.open = false;
}
showCopies(document);
countDown();
setInterval(countDown, 1000);
document.getElementById("failure")?.focus();
const live = document.getElementById("live");
if (live) follow(live);
