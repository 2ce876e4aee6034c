// The page of a session: a number pad, low light, clocks of what is due, and parts that stay current by themselves.
// Without this file every form still works; a page then is as current as its last loading.
"use strict";

{
  const page = document.getElementById("session");

  // What was said of the act before goes away with the next one.
  document.addEventListener("submit", () => {
    document.querySelector(".messages")?.remove();
    document.getElementById("problem")?.remove();
  }, true);

  // Low light: at once, and remembered by the clinic's computer for as long as the person is signed in.
  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.matches("[data-dim]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const isDim = document.documentElement.toggleAttribute("data-low-light");
    form.querySelector("button").setAttribute("aria-pressed", String(isDim));
    const said = new FormData(form);
    said.set("dim", isDim ? "yes" : "no");
    fetch(form.action, { method: "POST", body: said, headers: { "X-Requested-With": "fetch" } }).catch(() => {});
  }, true);

  // The pad writes into the field that was last touched, so that one hand is enough.
  let field = /** @type {HTMLInputElement | null} */ (null);
  const fields = () => [...document.querySelectorAll("[data-pad-for] input:not([type=hidden], [type=time])")];
  const isFinger = matchMedia("(pointer: coarse)").matches;
  const choose = (next) => {
    field?.removeAttribute("data-here");
    field = next;
    field?.setAttribute("data-here", "");
  };
  document.addEventListener("focusin", (event) => {
    if (fields().includes(event.target)) choose(event.target);
  });
  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-pad]");
    if (!key) return;
    const all = fields();
    if (!field || !field.isConnected) choose(all[0]);
    if (!field) return;
    const pressed = key.dataset.pad;
    if (pressed === "next") choose(all[(all.indexOf(field) + 1) % all.length]);
    else if (pressed === "clear") field.value = "";
    else if (field.value.length < 6) field.value += pressed;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    if (!isFinger) field.focus();
    else field.scrollIntoView({ block: "nearest" });
  });
  /** The pad shows itself where scripts run; where fingers type, it stands for the keyboard of the device. */
  const offerPad = () => {
    document.querySelectorAll(".pad").forEach((pad) => { pad.hidden = false; });
    if (isFinger) fields().forEach((one) => { one.inputMode = "none"; });
    if (field && !field.isConnected) choose(document.getElementById(field.id));
  };

  // What is due tells how long until then, or since; the words stand in the page.
  const NEAR_S = 120;
  const GIVE_UP_MS = 15000;
  const graceS = page ? Number(page.dataset.grace) * 60 : 0;
  let ahead = page ? Date.parse(page.dataset.now) - Date.now() : 0;
  const count = () => document.querySelectorAll("[data-due]").forEach((line) => {
    const left = Math.round((Date.parse(line.dataset.due) - Date.now() - ahead) / 1000);
    const minutes = Math.floor(Math.abs(left) / 60);
    const isOver = left < -graceS && !line.hasAttribute("data-waiting"); // what may only now begin is never overdue
    const since = left < 0 ? line.dataset.since : undefined; // of a device: since when it may be given
    const kind = isOver ? "over" : left < NEAR_S ? "near" : "later";
    const place = line.querySelector("[data-left]");
    const text = since ?? (isOver ? page.dataset.overdue.replace("{minutes}", String(minutes))
      : left < 0 ? page.dataset.dueNow : page.dataset.dueIn.replace("{minutes}", String(minutes + 1)));
    if (place.textContent !== text) place.textContent = text;
    line.dataset.kind = kind;
  });

  /** What somebody has typed or unfolded in a part, so that a newer part does not take it away. */
  const typedIn = (part) => ({
    values: [...part.querySelectorAll("input[id]:not([type=hidden]), select[id], textarea[id]")]
      .filter((one) => one.type === "checkbox" || one.type === "radio" ? one.checked !== one.defaultChecked
        : one.tagName === "SELECT" ? [...one.options].some((o) => o.selected !== o.defaultSelected) : one.value !== one.defaultValue)
      .map((one) => ({ id: one.id, value: one.value, checked: ["checkbox", "radio"].includes(one.type) ? one.checked : undefined })),
    open: [...part.querySelectorAll("details[id][open]")].map((one) => one.id),
    here: part.contains(document.activeElement) ? document.activeElement.id : "",
  });
  const putBack = ({ values, open, here }) => {
    values.forEach(({ id, value, checked }) => {
      const one = document.getElementById(id);
      if (one) { one.value = value; if (checked !== undefined) one.checked = checked; }
    });
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    if (here) document.getElementById(here)?.focus();
  };

  /** What stands in the page for as long as it is open: what waits in it, and what was said. */
  const STAYS = ["queue-said", "queue", "queue-lost", "unsent"];

  /**
   * Somebody has taken the next step: all of the page becomes the newer one, but what waits here and what was typed.
   * Loading it anew would lose both. @param {HTMLElement} newer
   */
  const goOn = (newer) => {
    const typed = typedIn(page);
    const names = new Map(typed.values.map(({ id }) => [id, document.querySelector(`label[for="${CSS.escape(id)}"]`)?.textContent.trim() ?? ""]));
    const secret = new Set([...page.querySelectorAll("[type=password]")].map((one) => one.id));
    [...page.children].filter((part) => !STAYS.includes(part.id)).forEach((part) => part.remove());
    const first = page.firstElementChild;
    let isBehind = false;
    [...newer.children].forEach((part) => {
      if (STAYS.includes(part.id)) { isBehind = true; return; }
      page.insertBefore(document.adoptNode(part), isBehind ? null : first);
    });
    Object.assign(page.dataset, newer.dataset);
    putBack(typed);
    const said = typed.values.filter(({ id, value }) => !secret.has(id) && value.trim());
    const astray = said.filter(({ id, checked }) => checked === undefined && !document.getElementById(id));
    if (said.length === 0) return;
    const place = document.getElementById("queue-said");
    place.dataset.kind = "caution";
    place.textContent = page.dataset.moved + (astray.length === 0 ? ""
      : ` ${page.dataset.astray.replace("{typed}", astray.map(({ id, value }) => `${names.get(id)} ${value}`.trim()).join(", "))}`);
  };

  const limits = () => [...document.querySelectorAll("[data-limit]")].map((one) => one.dataset.limit);

  /** Put the page's newer parts in the place of the old ones. @param {boolean} isOwn whether somebody here asked */
  const refresh = async (isOwn) => {
    const headers = isOwn ? { "X-Requested-With": "fetch" } : { "HX-Request": "true" }; // the latter keeps no screen awake
    const signal = AbortSignal.timeout(GIVE_UP_MS);
    const answer = await fetch(page.dataset.again, { headers, signal }).catch(() => null);
    if (!answer?.ok || answer.redirected || answer.headers.get("HX-Refresh")) return;
    const text = await answer.text().catch(() => "");
    const newer = new DOMParser().parseFromString(text, "text/html");
    const moment = newer.getElementById("session")?.dataset.now;
    if (!moment) return;
    const before = limits();
    const next = newer.getElementById("session");
    if (next.dataset.step !== page.dataset.step) goOn(next);
    else document.querySelectorAll("[data-live]").forEach((part) => {
      const newest = newer.getElementById(part.id);
      const typed = typedIn(part);
      if (!newest) { if (typed.values.length === 0) part.replaceChildren(); return; }
      part.replaceWith(document.adoptNode(newest));
      putBack(typed);
    });
    ahead = Date.parse(moment) - Date.now();
    offerPad();
    count();
    document.dispatchEvent(new CustomEvent("refreshed", { detail: moment }));
    // A limit that has begun to speak is seen by whoever has just typed the reading, wherever the page stands.
    if (limits().some((id) => !before.includes(id))) window.scrollTo({ top: 0 });
  };

  if (page) {
    offerPad();
    count();
    setInterval(count, 1000);
    document.addEventListener("observed", () => refresh(true));
    // Others write in this record too. The stream says only that something has changed.
    let waiting = 0;
    if (page.dataset.stream) {
      const stream = new EventSource(page.dataset.stream);
      stream.addEventListener("changed", () => {
        clearTimeout(waiting);
        waiting = setTimeout(() => { if (!document.hidden) refresh(false); }, 1500);
      });
    }
  }
}
