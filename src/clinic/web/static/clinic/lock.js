// A screen that nobody has touched for a while shows nothing any more. The server locks by itself; this is for the eye.
"use strict";

// A form that was kept while its page was locked is sent once more.
document.querySelector("form[data-send-again]")?.requestSubmit();

const idleMs = Number(document.body.dataset.idle) * 1000;
if (idleMs) {
  const cover = document.getElementById("cover");
  const form = cover.querySelector("form");
  let touched = Date.now();
  let hasTyped = false;
  const isUnsent = () => Number(document.body.dataset.unsent ?? 0) > 0; // entries of a session wait in this page alone
  ["keydown", "pointerdown", "pointermove", "wheel"].forEach((name) => {
    document.addEventListener(name, () => { if (!cover.open) touched = Date.now(); }, { passive: true });
  });
  document.addEventListener("input", (event) => { if (!cover.contains(event.target)) hasTyped = true; });
  const GIVE_UP_MS = 8000; // a network that stalls answers nothing, and hides nothing either
  const hide = () => {
    document.body.classList.add("is-covered");
    cover.showModal();
  };
  document.addEventListener("cover", hide); // somebody locked a page while nothing could be asked
  // By the clock on the wall, as a computer that slept counts too. The server knows of other windows, so it is asked;
  // without anything typed its own page is shown.
  const look = async () => {
    if (cover.open || Date.now() - touched < idleMs) return;
    const answer = await fetch(cover.dataset.left, { signal: AbortSignal.timeout(GIVE_UP_MS) })
      .then((said) => said.json()).catch(() => ({ seconds: 0, isAway: true }));
    if (cover.open) return;
    touched = Date.now() - idleMs + answer.seconds * 1000;
    if (answer.seconds > 0) return;
    if (!hasTyped && !isUnsent() && !answer.isAway) { window.location.reload(); return; }
    hide();
  };
  /** Whether the same person is signed in again; the page's proof of origin is renewed then. */
  const isBack = async () => {
    const answer = await fetch(window.location.href, {
      headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(GIVE_UP_MS) }).catch(() => null);
    const page = new DOMParser().parseFromString((await answer?.text()) ?? "", "text/html");
    const found = page.querySelector("#queue[data-by] [name=csrfmiddlewaretoken]");
    if (!found || page.getElementById("queue").dataset.by !== document.getElementById("queue").dataset.by) return false;
    document.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach((field) => { field.value = found.value; });
    return true;
  };
  setInterval(look, Math.min(1000, idleMs / 4));
  cover.addEventListener("cancel", (event) => event.preventDefault());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const sent = { method: "POST", body: new FormData(form), headers: { "X-Requested-With": "fetch" },
      signal: AbortSignal.timeout(GIVE_UP_MS) };
    const answer = await fetch(form.action, sent).catch(() => null);
    delete form.dataset.sent;
    form.reset();
    const isOver = answer?.status === 403 || answer?.redirected;
    if (isOver && !isUnsent()) { window.location.reload(); return; }
    // Loading anew would lose what waits, so somebody may sign in again in another tab, and this page asks who is there.
    form.querySelector("[data-away]").hidden = answer !== null;
    form.querySelector("[data-over]").hidden = !isOver;
    if (isOver && !(await isBack())) return;
    form.querySelector("[aria-live]").hidden = isOver || !answer || answer.status === 204;
    if (!isOver && answer?.status !== 204) return;
    touched = Date.now();
    document.body.classList.remove("is-covered");
    cover.close();
    document.dispatchEvent(new CustomEvent("observed")); // a session goes on behind a cover
  });
}
