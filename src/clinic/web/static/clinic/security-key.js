// Asks a security key and puts its answer into the form. The buttons are hidden where this does not run.
"use strict";

document.querySelectorAll("button[data-key]").forEach((button) => {
  button.hidden = false;
  const form = button.closest("form");
  const problem = form.querySelector("[data-key-problem]");
  button.addEventListener("click", async () => {
    const options = JSON.parse(document.getElementById(button.dataset.options).textContent);
    try {
      const answer = await window.webauthnJSON[button.dataset.key](options);
      document.getElementById(button.dataset.answer).value = JSON.stringify(answer);
      form.submit();  // past the fields that are required of somebody without a key
    } catch {
      problem.hidden = false;
    }
  });
});
