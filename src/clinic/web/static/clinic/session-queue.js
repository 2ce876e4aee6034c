// Observations of a session wait here until the clinic's computer has them, each with its own time and key.
// Only what was observed waits; an order, a dose, a witness or a discharge is never kept here: their forms say why.
//
// What waits is kept encrypted (AES-GCM) in this tab's storage. The key cannot be read out and lives in the memory of
// the open page alone, so that a reload, or another person at this device, finds nothing that can be read.
"use strict";

{
  /**
   * @typedef {{key: string, at: string, kind: string, values: Record<string, string>, words: string}} Entry
   * @typedef {{key: string, outcome: "kept" | "refused", why?: string, next?: string}} Result
   */
  const box = document.getElementById("queue");
  const RETRY_MS = [2000, 4000, 8000, 15000];
  const AT_ONCE = 50;
  const SLOW_MS = 2500; // a send that takes longer is said, and nothing that waited for it happens by itself any more
  const GIVE_UP_MS = 8000; // a network that stalls is one that is away
  const EACH_MS = 300; // longer by this for each entry, as the clinic's computer takes them one by one
  const AT_PUMP = ["rate", "pause", "resume", "stop"];
  const tab = crypto.randomUUID();
  const prefix = "observed.";
  const mine = `${prefix}${tab}.`;
  const gone = "lost."; // of what a page before this one kept: its key, its time and whose it is, until somebody has seen it

  /** @returns {string} */
  const words = (name, said = {}) =>
    Object.entries(said).reduce((text, [key, value]) => text.replaceAll(`{${key}}`, String(value)), box.dataset[name] ?? "");
  const clock = (at) => new Intl.DateTimeFormat(document.documentElement.lang, {
    hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: box.dataset.zone }).format(new Date(at));
  const coded = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
  const decoded = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

  /** What waits: written encrypted, read back only to be shown or sent. */
  class Kept {
    /** @type {Promise<CryptoKey> | undefined} */ #secret;
    #spare = new Map();
    constructor() {
      // The key is not extractable: no script can read it out, and nothing writes it down.
      this.#secret = crypto.subtle?.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    }

    /** @param {Entry} entry */
    async add(entry) {
      if (!this.#secret) { this.#spare.set(entry.key, entry); return; } // no encryption here: in memory alone
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const plain = new TextEncoder().encode(JSON.stringify(entry));
      const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await this.#secret, plain);
      const kept = JSON.stringify({ at: entry.at, of: box.dataset.of, iv: coded(iv), sealed: coded(sealed) });
      try { sessionStorage.setItem(mine + entry.key, kept); } catch { this.#spare.set(entry.key, entry); }
    }

    has(key) { return this.#spare.has(key) || sessionStorage.getItem(mine + key) !== null; }

    remove(key) { sessionStorage.removeItem(mine + key); this.#spare.delete(key); }

    get size() { return this.#names().length + this.#spare.size; }

    /** @returns {Promise<Entry[]>} oldest first */
    async all() {
      const found = [...this.#spare.values()];
      for (const name of this.#names()) {
        const { iv, sealed } = JSON.parse(sessionStorage.getItem(name));
        const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: decoded(iv) }, await this.#secret, decoded(sealed));
        found.push(JSON.parse(new TextDecoder().decode(plain)));
      }
      return found.sort((one, other) => one.at.localeCompare(other.at));
    }

    #names() { return Object.keys(sessionStorage).filter((name) => name.startsWith(mine)); }
  }

  if (box) {
    const kept = new Kept();
    /** @type {Map<string, Result>} */ const refused = new Map();
    /** What is said beside a form, by its name. @type {Map<string, {key: string, lines: string[], kind: string}>} */
    const notes = new Map();
    let state = navigator.onLine ? "well" : "away";
    let isSending = null;
    let tries = 0;
    let timer = 0;
    let leaves = false;

    // The clinic's own clock counts, and goes on by this device's: a device set wrong dates nothing wrong.
    let ahead = Date.parse(box.dataset.now) - Date.now();
    const now = () => new Date(Date.now() + ahead);
    const unsent = () => kept.size;

    /** @param {string} said */
    const tell = (said, kind = "ok") => {
      const place = document.getElementById("queue-said");
      place.dataset.kind = kind;
      place.textContent = said;
    };

    /** Whether this says that a dose was begun, and still waits. @param {Entry} entry */
    const isStart = (entry) => entry.kind === "start" && !refused.has(entry.key);

    /** A form by what its key ends in; that stays the same when the page is drawn anew. */
    const nameOf = (form) => form.querySelector("[name=key]")?.value.slice(32) ?? "";

    /** Say beside each form what is to be said of it, also where its part of the page is a newer one. */
    const sayBeside = () => document.querySelectorAll("form:is([data-observe], [data-late])").forEach((form) => {
      const said = notes.get(nameOf(form));
      form.querySelector("[data-beside]")?.remove();
      if (!said) return;
      const note = document.createElement("div");
      note.dataset.beside = "";
      note.className = `note ${said.kind}`;
      note.setAttribute("role", said.kind === "stop" ? "alert" : "status");
      note.append(...said.lines.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
      form.append(note);
    });

    /** What was done at the pump and waits here, in the place of what the record says of it. @param {Entry[]} entries */
    const showActs = (entries) => {
      const labels = JSON.parse(box.dataset.labels);
      const isBegun = entries.some(isStart);
      document.querySelectorAll("[data-begun]").forEach((place) => { place.hidden = !isBegun; });
      const acts = entries.filter((entry) => AT_PUMP.includes(entry.kind) && !refused.has(entry.key));
      const said = acts.map((entry) => words("act", { what: labels[entry.kind] ?? entry.kind, at: clock(entry.at) })).join(" ");
      document.querySelectorAll("[data-kept-acts]").forEach((place) => { place.hidden = !said; place.textContent = said; });
      document.querySelectorAll("[data-before]").forEach((place) => { place.hidden = !said; });
      const last = acts.filter((entry) => entry.kind !== "rate").at(-1)?.kind;
      const stands = { pause: "paused", resume: "running", stop: "" }[last];
      document.querySelectorAll("[data-pump]").forEach((place) => {
        place.hidden = last ? !place.dataset.pump.split(" ").includes(stands) : !place.hasAttribute("data-stands");
      });
    };

    const show = async () => {
      const entries = await kept.all();
      document.body.classList.toggle("is-away", state !== "well");
      document.body.dataset.unsent = String(entries.length);
      box.hidden = entries.length === 0 && state === "well";
      box.querySelector("[data-state]").textContent = words(state);
      box.querySelector("[data-count]").textContent =
        entries.length === 0 ? words("none") : refused.size === entries.length ? words("some")
          : words("waiting", { count: entries.length, at: clock(entries[0].at) });
      box.querySelector("[data-send]").hidden = entries.length === 0;
      const list = box.querySelector("ul");
      list.replaceChildren(...entries.map((entry) => line(entry)));
      showActs(entries);
      sayBeside();
      document.querySelectorAll(".waits").forEach((note) => { note.hidden = state === "well" && entries.length === 0; });
    };

    /** @param {Entry} entry */
    const line = (entry) => {
      const item = /** @type {HTMLElement} */ (box.querySelector("template").content.cloneNode(true)).firstElementChild;
      const labels = JSON.parse(box.dataset.labels);
      const said = Object.entries(entry.values).map(([path, value]) => `${labels[path] ?? path} ${value}`);
      item.querySelector("[data-at]").textContent = clock(entry.at);
      item.querySelector("[data-what]").textContent = [labels[entry.kind] ?? "", ...said, entry.words].filter(Boolean).join(", ");
      const result = refused.get(entry.key);
      const why = item.querySelector("[data-why]");
      why.hidden = !result;
      if (result) why.querySelector("span").textContent = words("refused", { why: result.why ?? "", next: result.next ?? "" });
      const drop = item.querySelector("[data-drop]");
      drop.addEventListener("click", () => {
        kept.remove(entry.key);
        refused.delete(entry.key);
        if (refused.size === 0) tell(""); // what was said of it goes with it
        show();
      });
      drop.hidden = !result;
      const back = item.querySelector("[data-back]");
      back.hidden = !result || entry.kind !== "reading";
      back.addEventListener("click", () => {
        Object.entries(entry.values).forEach(([path, value]) => {
          const field = document.querySelector(`#checkin [name="${CSS.escape(path)}"]`);
          if (field) field.value = value;
        });
        drop.click();
        document.querySelector("#checkin input:not([type=hidden])")?.focus();
      });
      return item;
    };

    /** Another page of the same sign-in may have new proof of origin: the page is asked for it, and for who is here. */
    const renew = async () => {
      const signal = AbortSignal.timeout(GIVE_UP_MS);
      const answer = await fetch(location.href, { headers: { "HX-Request": "true" }, signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.querySelector("#queue input[name=csrfmiddlewaretoken]");
      if (!found) return false;
      document.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach((field) => { field.value = found.value; });
      return true;
    };

    /** @param {Entry[]} entries @param {string[]} asked keys of which is asked whether they arrived @returns {Promise<Response>} */
    const post = (entries, asked = []) => fetch(box.dataset.to, {
      method: "POST", credentials: "same-origin", redirect: "manual",
      signal: AbortSignal.timeout(GIVE_UP_MS + entries.length * EACH_MS),
      headers: { "Content-Type": "application/json", "X-Requested-With": "fetch",
        "X-CSRFToken": box.querySelector("[name=csrfmiddlewaretoken]").value },
      body: JSON.stringify({ by: box.dataset.by, entries, asked }),
    });

    const isOurs = (answer) => answer.headers.get("Content-Type")?.startsWith("application/json");

    /** Send what waits once; what the answer does not name stays. @returns {Promise<boolean>} whether nothing waits */
    const sendOnce = async () => {
      const entries = (await kept.all()).filter((entry) => !refused.has(entry.key)).slice(0, AT_ONCE);
      if (entries.length === 0) { state = navigator.onLine ? "well" : "away"; return unsent() === 0; }
      let answer, found;
      try {
        answer = await post(entries);
        if (!isOurs(answer) && answer.status < 500 && await renew()) answer = await post(entries);
        if (isOurs(answer)) found = await answer.json();
      } catch { // no network, or none that answers
        state = "away";
        return false;
      }
      if (!found) { state = answer.status >= 500 ? "broken" : "locked"; return false; }
      if (!answer.ok) { state = "other"; box.dataset.other = found.why; return false; }
      state = "well";
      tries = 0;
      /** @type {Result[]} */ (found.results).forEach((result) => {
        notes.forEach((said, name) => { if (said.key === result.key) notes.delete(name); });
        if (result.outcome === "kept") kept.remove(result.key);
        else refused.set(result.key, result);
      });
      tell(refused.size ? words("some") : words("saved", { at: clock(now()) }), refused.size ? "caution" : "ok");
      if (found.results.some((result) => result.outcome === "kept")) document.dispatchEvent(new CustomEvent("observed"));
      return unsent() === 0 || (refused.size < unsent() && sendOnce());
    };

    const send = () => {
      clearTimeout(timer);
      if (isSending) return isSending;
      const slow = setTimeout(() => { if (state === "well") { state = "slow"; show(); } }, SLOW_MS);
      isSending = sendOnce().finally(async () => {
        clearTimeout(slow);
        isSending = null;
        await show();
        if (unsent() > refused.size) timer = setTimeout(send, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
      });
      return isSending;
    };

    /** Whether nothing waits any more, as far as that is known after a moment. @returns {Promise<boolean>} */
    const sentSoon = () => Promise.race([send(), new Promise((done) => { setTimeout(done, SLOW_MS, false); })]);

    /** Say beside its form what waits here, and that nobody has checked it against a limit. @param {Entry} entry */
    const sayKept = (entry, name) => {
      if (AT_PUMP.includes(entry.kind)) return; // those stand where the record's own do
      const said = { reading: "unchecked", start: "begun" }[entry.kind] ?? "kept";
      notes.set(name, { key: entry.key, lines: [words(said, { at: clock(entry.at) })], kind: "caution" });
    };

    /**
     * Keep one observation and try to send it. What is refused at once goes back into its form, with why beside it;
     * where somebody has typed on in the meantime it stays in the list.
     * @param {Omit<Entry, "key">} given @param {string} name of the form @param {[string, string][]} typed by field
     */
    const keep = async (given, name, typed) => {
      const entry = { key: crypto.randomUUID(), ...given };
      const isFirst = state === "well" && !isSending;
      await kept.add(entry);
      if (!isFirst) {
        sayKept(entry, name);
        tell(words("kept", { at: clock(entry.at) }), "caution");
      }
      await show();
      await sentSoon();
      const answer = refused.get(entry.key);
      const fields = typed.map(([id, value]) => [document.getElementById(id), value]).filter(([field]) => field);
      if (answer && isFirst && !fields.some(([field]) => field.value)) {
        kept.remove(entry.key);
        refused.delete(entry.key);
        fields.forEach(([field, value]) => { field.value = value; });
        notes.set(name, { key: entry.key, lines: [words("refused", { why: answer.why ?? "", next: answer.next ?? "" })], kind: "stop" });
        tell("");
      } else if (kept.has(entry.key) && !answer) {
        sayKept(entry, name);
      }
      await show();
    };

    /** Values that no person can have, a sentence each, by the clinic's own ranges. @param {HTMLFormElement} form */
    const impossible = (form) => {
      const fields = [...form.querySelectorAll("input[data-low]")].filter((one) => one.value.trim());
      const number = (one) => /^-?\d+([.,]\d+)?$/.test(one.value.trim()) ? Number(one.value.trim().replace(",", ".")) : NaN;
      const wrong = fields.filter((one) => !(number(one) >= Number(one.dataset.low) && number(one) <= Number(one.dataset.high)));
      form.querySelectorAll("[aria-invalid]").forEach((one) => one.removeAttribute("aria-invalid"));
      wrong.forEach((one) => one.setAttribute("aria-invalid", "true"));
      const lines = wrong.map((one) => words("range", { what: one.dataset.name, value: one.value.trim(), low: one.dataset.low,
        high: one.dataset.high, unit: one.dataset.unit ?? "" }));
      const [upper, lower] = ["systolic", "diastolic"].map((name) => fields.find((one) => one.name === `vitals.${name}_mmhg`));
      if (upper && lower && wrong.length === 0 && number(lower) >= number(upper)) {
        lines.push(words("pressure", { value: `${upper.value.trim()}/${lower.value.trim()}` }));
      }
      return lines;
    };

    /** The instant a form speaks of: now, or the time of day typed into it, today or (before midnight) yesterday. */
    const instant = (typed) => {
      if (!typed) return now();
      const [hour, minute] = clock(now()).split(":").map(Number);
      const [asked, asks] = typed.split(":").map(Number);
      let back = (hour - asked) * 60 + minute - asks;
      if (back < -720) back += 1440;
      return new Date(now().getTime() - back * 60000);
    };

    /** Answers to questions are facts of the chart and go by the form alone. @returns {Element[]} those that were given */
    const answered = () => [...document.querySelectorAll("[data-asks] :is(input, select)")]
      .filter((one) => one.value && one.value !== (one.dataset.was ?? "") && (one.type !== "radio" || one.checked));

    const observe = async (form, submitter) => {
      const fields = new FormData(form, submitter);
      const said = (name) => String(fields.get(name) ?? "").trim();
      const values = {};
      const asked = new Set([...document.querySelectorAll("[data-asks] :is(input, select)")].map((one) => one.name));
      const answers = new Set(answered().map((one) => one.name));
      fields.forEach((value, name) => {
        if (name.includes(".") && !asked.has(name) && String(value).trim()) values[name] = String(value).trim();
      });
      if (said("value")) values.value = said("value");
      if (said("unit")) values.unit = said("unit");
      const kind = said("kind") || "reading";
      if (kind === "reading" && Object.keys(values).length === 0) {
        tell(words(answers.size ? "answers" : "empty"), "caution");
        form.querySelector("input:not([type=hidden])")?.focus();
        return;
      }
      const begun = kind === "start" && (await kept.all()).find(isStart);
      if (begun) { sayKept(begun, nameOf(form)); sayBeside(); return; } // a dose begins once
      const at = instant(said("taken")).toISOString();
      const typed = [...form.querySelectorAll("input[id]:not([type=hidden])")].map((one) => [one.id, one.value]);
      // Not reset: questions that stand elsewhere on the page belong to the same form.
      form.querySelectorAll("input:not([type=hidden]), textarea").forEach((one) => { if (one.type !== "radio" && !asked.has(one.name)) one.value = ""; });
      if (answers.size && form.id === "checkin") tell(words("answers"), "caution");
      await keep({ at, kind, values, words: said("words") }, nameOf(form), typed);
    };

    // Forms: observations are kept and sent; everything else first waits until nothing is unsent.
    document.addEventListener("submit", async (event) => {
      const form = /** @type {HTMLFormElement} */ (event.target);
      if (form.method !== "post" || leaves || form.closest("#cover")) return;
      notes.delete(nameOf(form));
      const wrong = form.id === "checkin" ? impossible(form) : [];
      if (wrong.length) {
        event.preventDefault();
        event.stopPropagation();
        notes.set(nameOf(form), { key: "", lines: wrong, kind: "stop" });
        sayBeside();
        form.querySelector("[aria-invalid]")?.focus();
        return;
      }
      // That a dose was begun is a fact too, where nothing stood against it; while connected it goes by its form.
      const isLate = form.matches("[data-late]") && state !== "well";
      if (isLate || form.matches("[data-observe]") && (form.id !== "checkin" || state !== "well" || unsent() || !answered().length)) {
        event.preventDefault();
        event.stopPropagation();
        if (form.dataset.busy && !isTypedIn(form)) return; // pressed twice is meant once
        form.dataset.busy = "yes";
        observe(form, event.submitter).finally(() => { delete form.dataset.busy; });
        return;
      }
      if (unsent() === 0 && state === "well") return;
      event.preventDefault();
      event.stopPropagation();
      const isAllSent = await sentSoon();
      if (isAllSent && state === "well") { form.requestSubmit(event.submitter ?? undefined); return; }
      if (form.matches("[data-late]")) { await observe(form, event.submitter); return; }
      const isAway = state === "away" || state === "slow";
      if (isAway && form.matches("[data-lock]")) { document.dispatchEvent(new CustomEvent("cover")); return; }
      if (form.matches("[data-waits]")) { tell(words(state === "well" ? "settle" : "waits"), "caution"); return; }
      ask(form, event.submitter, isAway);
    }, true);

    const isTypedIn = (form) => [...form.querySelectorAll("input:not([type=hidden], [type=radio], [type=checkbox]), textarea")]
      .some((one) => one.value.trim());

    /** Somebody is about to leave with entries unsent; without a connection there is nowhere to go. */
    const ask = (form, submitter, isAway) => {
      const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("unsent"));
      dialog.querySelector("[data-many]").textContent = words(isAway ? "stays" : "leaving", { count: unsent() });
      dialog.querySelector("[data-leave]").hidden = isAway;
      dialog.showModal();
      dialog.querySelector("[data-stay]").onclick = () => dialog.close();
      dialog.querySelector("[data-leave]").onclick = () => {
        leaves = true;
        Object.keys(sessionStorage).filter((name) => name.startsWith(mine)).forEach((name) => sessionStorage.removeItem(name));
        dialog.close();
        form.requestSubmit(submitter ?? undefined);
      };
    };
    window.addEventListener("beforeunload", (event) => { if (unsent() && !leaves) event.preventDefault(); });

    /** What an earlier page of this tab left behind has lost its key; its time and whose it is are kept, the rest cleared. */
    const clearLost = async () => {
      const held = (await navigator.locks?.query())?.held?.map((lock) => lock.name) ?? [];
      Object.keys(sessionStorage).filter((name) => name.startsWith(prefix) && !name.startsWith(mine)).forEach((name) => {
        // A tab that was doubled brings a copy of what the first one still has.
        const end = name.indexOf(".", prefix.length) + 1;
        const { at, of } = JSON.parse(sessionStorage.getItem(name));
        if (!held.includes(name.slice(0, end))) sessionStorage.setItem(gone + name.slice(end), JSON.stringify({ at, of }));
        sessionStorage.removeItem(name);
      });
    };

    /** What was lost of this person, by its key. @returns {[string, string][]} key and time, the earliest first */
    const lost = () => Object.keys(sessionStorage).filter((name) => name.startsWith(gone))
      .map((name) => ({ key: name.slice(gone.length), ...JSON.parse(sessionStorage.getItem(name)) }))
      .filter((one) => one.of === box.dataset.of).map((one) => [one.key, one.at]).sort(([, at], [, other]) => at.localeCompare(other));

    /** An answer may be lost where its entry was not: the clinic is asked which have arrived, and only the others are said. */
    const sayLost = async () => {
      const asked = lost().map(([key]) => key);
      if (asked.length === 0) return;
      const answer = await post([], asked).catch(() => null);
      const found = answer && isOurs(answer) ? await answer.json().catch(() => null) : null;
      const had = found?.had ?? [];
      had.forEach((key) => sessionStorage.removeItem(gone + key));
      if (had.length) document.dispatchEvent(new CustomEvent("observed"));
      const missing = lost();
      const note = document.getElementById("queue-lost");
      note.hidden = missing.length === 0;
      const said = { count: missing.length, at: missing.map(([, at]) => clock(at)).join(", ") };
      note.querySelector("[data-lost]").textContent = words(found?.had ? "lost" : "doubt", said);
      if (!found) setTimeout(sayLost, GIVE_UP_MS);
    };
    document.querySelector("#queue-lost [data-seen]").addEventListener("click", () => {
      lost().forEach(([key]) => sessionStorage.removeItem(gone + key));
      document.getElementById("queue-lost").hidden = true;
    });
    navigator.locks?.request(mine, () => new Promise(() => {}));
    setTimeout(() => clearLost().then(sayLost), 300); // the page before this one lets go of its name as it goes

    window.addEventListener("online", () => { tries = 0; send().then(show); });
    window.addEventListener("offline", () => { state = "away"; show(); });
    window.addEventListener("focus", () => { if (unsent()) send(); });
    box.querySelector("[data-send]").addEventListener("click", () => { tries = 0; send(); });
    document.addEventListener("refreshed", (event) => {
      ahead = Date.parse(event.detail) - Date.now();
      show();
    });
    show();
  }
}
