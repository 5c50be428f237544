// Fits each mail's frame to its content and tells when a new mail has come.
"use strict";

function fit(frame) {
  const page = frame.contentDocument;
  if (!page || !page.body) return;
  frame.style.height = "0";
  frame.style.height = `${page.documentElement.scrollHeight + 4}px`;
}

const frames = [...document.querySelectorAll("iframe.body")];
for (const frame of frames) {
  frame.addEventListener("load", () => fit(frame));
  fit(frame);
}
window.addEventListener("resize", () => frames.forEach(fit));

const news = document.querySelector(".news");

function typing() {
  const fields = [...document.querySelectorAll("textarea, input:not([type=hidden])")];
  return fields.some((field) => field.value !== field.defaultValue) || document.querySelector(".error");
}

async function look() {
  try {
    const answer = await fetch(news.dataset.url);
    const { count } = await answer.json();
    if (String(count) !== news.dataset.count) {
      if (!typing()) return location.reload();
      news.hidden = false;
    }
  } catch {
    // The demonstration was stopped or is starting again: keep looking.
  }
  setTimeout(look, 2000);
}

if (news) setTimeout(look, 2000);
