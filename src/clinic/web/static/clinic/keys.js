// Keys and small courtesies. Every page works without this file.
"use strict";

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const field = document.querySelector("[data-find]");
    event.preventDefault();
    if (field) field.focus();
    else if (document.querySelector("a[href='/patients']")) window.location.assign("/patients#q");
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    // From room to room on the board; the page scrolls as usual where there is none.
    const all = lanes();
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? 0 : at + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) { event.preventDefault(); next.focus(); }
  } else if (event.key === "t") {
    document.querySelectorAll("details[data-key='t']").forEach((table) => { table.open = !table.open; });
  }
});

// The trouble is read first, by eye and by screen reader.
window.addEventListener("DOMContentLoaded", () => {
  const problem = document.getElementById("problem");
  if (problem) problem.focus();
  else if (window.location.hash === "#q") document.querySelector("[data-find]")?.focus();
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => { delete form.dataset.sent; }));

// A page that is longer than a second in coming says that it is on its way; of a file to keep no page comes.
let coming, isFile = false;
document.addEventListener("click", (event) => { isFile = Boolean(event.target.closest("[data-file], [data-file] button")); }, true);
const arrived = () => { clearTimeout(coming); delete document.documentElement.dataset.coming; };
window.addEventListener("beforeunload", () => {
  if (!isFile) coming = setTimeout(() => { document.documentElement.dataset.coming = "yes"; }, 1000);
});
["pageshow", "keydown", "pointerdown"].forEach((name) => window.addEventListener(name, arrived)); // or somebody stayed here

// A page is printed once it stands on the trail that it was.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-print]")) return;
  event.preventDefault();
  delete form.dataset.sent;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "text/plain" } });
    if (!answer.ok) throw new Error(String(answer.status));
    window.print();
  } catch {
    document.body.classList.add("is-unanswered");
  }
});

// Two controls of one value: a slider and its number. And a field that the server found wrong is marked as such.
document.addEventListener("input", (event) => {
  const other = event.target.dataset?.mirror && document.getElementById(event.target.dataset.mirror);
  if (other) other.value = event.target.value;
}, true);
const markWrong = () => document.querySelectorAll("[data-about]").forEach((words) => {
  const field = document.getElementById(words.dataset.about);
  if (field) field.toggleAttribute("aria-invalid", false);
  if (field && words.textContent) field.setAttribute("aria-invalid", "true");
});
document.addEventListener("htmx:afterSettle", markWrong);

// A move that nobody answered is said where its answer would have come.
["htmx:sendError", "htmx:responseError", "htmx:timeout"].forEach((name) => {
  document.addEventListener(name, () => document.body.classList.add("is-unanswered"));
});
document.addEventListener("htmx:afterSwap", () => document.body.classList.remove("is-unanswered"));

// What somebody has unfolded stays so when the list around it is renewed.
let unfolded = [];
document.addEventListener("htmx:beforeSwap", () => { unfolded = [...document.querySelectorAll("details[id][open]")].map((one) => one.id); });
document.addEventListener("htmx:afterSwap", () => unfolded.forEach((id) => document.getElementById(id)?.setAttribute("open", "")));

// Where somebody stands with the keyboard stays, too: on the same thing of the newer list, else on the same lane.
const sort = (one) => [one.tagName, one.id, ...["href", "name", "value"].map((name) => one.getAttribute(name)),
  one.form?.getAttribute("action"), one.closest("details[id]")?.id].join("\n");
const alike = (said) => [...document.querySelectorAll("a, button, summary, input, select, textarea, [tabindex]")].filter((one) => sort(one) === said);
const lanes = () => [...document.querySelectorAll("[data-lane]")];
let here = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const one = document.activeElement;
  here = null;
  if (!event.target.contains(one) || one === event.target) return;
  here = { said: sort(one), place: alike(sort(one)).indexOf(one), lane: lanes().indexOf(one) };
});
document.addEventListener("htmx:afterSwap", () => {
  if (!here || (document.activeElement && document.activeElement !== document.body)) return;
  const found = alike(here.said);
  (found[here.place] ?? found[0] ?? lanes()[here.lane])?.focus({ preventScroll: true });
});

// A list that can no longer be current says so, until it is again.
document.addEventListener("htmx:sseError", () => document.body.classList.add("is-lost"));
document.addEventListener("htmx:sseOpen", () => document.body.classList.remove("is-lost"));

// In a demonstration the clinic's clock may run faster than the wall's; so many of its seconds have gone since `shown`.
const pace = Number(document.documentElement.dataset.pace ?? 1);
const since = (clock) => pace * (performance.now() - (clock.dataset.shown ??= performance.now())) / 1000;
// A clock that shows how long something has been going on, counted on from what the clinic's own clock said on loading.
const tick = () => document.querySelectorAll("[data-seconds]").forEach((clock) => {
  const seconds = Math.floor(Number(clock.dataset.seconds) + since(clock));
  const hours = Math.floor(seconds / 3600);
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
  clock.textContent = [...(hours ? [hours] : []), ...parts].join(":");
});
// The clinic's time of day, counted on in the same way.
const strike = () => document.querySelectorAll("[data-clock]").forEach((clock) => {
  const [hours, minutes, seconds] = clock.dataset.clock.split(":").map(Number);
  const now = hours * 60 + minutes + (seconds + since(clock)) / 60;
  clock.textContent = [Math.floor(now / 60) % 24, Math.floor(now) % 60].map((part) => String(part).padStart(2, "0")).join(":");
});
tick();
strike();
setInterval(() => { tick(); strike(); }, 1000);

// In a row of doors that is wider than its screen, the one where somebody is stands in sight.
window.addEventListener("DOMContentLoaded", () => document.querySelectorAll("nav [aria-current]").forEach((door) => {
  const row = door.closest("ul");
  if (row && row.scrollWidth > row.clientWidth) row.scrollLeft += door.getBoundingClientRect().x - row.getBoundingClientRect().x - row.clientWidth / 3;
}));

// A chart wider than its screen begins where today is on it, with room behind for what is ahead.
window.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".scroll line.now").forEach((line) => {
  const box = line.closest(".scroll");
  if (box.scrollWidth <= box.clientWidth) return;
  box.scrollLeft += line.getBoundingClientRect().x - box.getBoundingClientRect().x - 0.7 * box.clientWidth;
}));
