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

// Paper shows what the screen folds away.
window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
