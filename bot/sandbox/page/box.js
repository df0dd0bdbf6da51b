// The one dialog of the page.
import { h } from "./dom.js";

const box = document.getElementById("box");

export function show(title, content, actions, { wide = false } = {}) {
  const close = () => box.close();
  box.classList.toggle("wide", wide);
  box.replaceChildren(h("h2", { id: "box-title" }, title), ...content, h("div", { class: "actions" }, actions(close)));
  if (!box.open) box.showModal();
  return close;
}

export const button = (label, onclick, go = false) => h("button", { type: "button", class: go ? "go" : "", onclick }, label);

export function say(title, words) {
  show(title, [h("p", { class: "plain" }, words)], (close) => [button("知道了", close, true)]);
}

// A form whose fields are given as label -> element; resolves to true when it is sent.
export function ask(title, fields, go) {
  return new Promise((resolve) => {
    const form = h("form", { method: "dialog", id: "box-form", onsubmit: () => resolve(true) },
      Object.entries(fields).map(([label, field]) => h("label", {}, label, field)));
    box.addEventListener("close", () => resolve(false), { once: true });
    show(title, [form], (close) => [button("取消", close), h("button", { type: "submit", class: "go", form: "box-form" }, go)]);
  });
}
