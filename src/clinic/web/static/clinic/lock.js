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
  ["keydown", "pointerdown", "pointermove", "wheel"].forEach((name) => {
    document.addEventListener(name, () => { if (!cover.open) touched = Date.now(); }, { passive: true });
  });
  document.addEventListener("input", (event) => { if (!cover.contains(event.target)) hasTyped = true; });
  // By the clock on the wall, as a computer that slept counts too. The server knows of other windows, so it is asked;
  // without anything typed its own page is shown.
  const look = async () => {
    if (cover.open || Date.now() - touched < idleMs) return;
    const answer = await fetch(cover.dataset.left).then((said) => said.json()).catch(() => ({ seconds: 0 }));
    touched = Date.now() - idleMs + answer.seconds * 1000;
    if (answer.seconds > 0) return;
    if (!hasTyped) { window.location.reload(); return; }
    document.body.classList.add("is-covered");
    cover.showModal();
  };
  setInterval(look, Math.min(1000, idleMs / 4));
  cover.addEventListener("cancel", (event) => event.preventDefault());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const sent = { method: "POST", body: new FormData(form), headers: { "X-Requested-With": "fetch" } };
    const answer = await fetch(form.action, sent).catch(() => null);
    delete form.dataset.sent;
    form.reset();
    if (answer?.status === 403 || answer?.redirected) { window.location.reload(); return; }
    form.querySelector("[aria-live]").hidden = answer?.status === 204;
    if (answer?.status !== 204) return;
    touched = Date.now();
    document.body.classList.remove("is-covered");
    cover.close();
  });
}
