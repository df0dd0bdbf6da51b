// Building elements, text with entities, and times. No HTML is ever made from text.

export function h(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function svg(tag, props = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Drawn, so that they look alike where no font has them.
const ICONS = {
  clip: "M20 11.5l-8.2 8.2a5.2 5.2 0 0 1-7.4-7.4l8.5-8.5a3.5 3.5 0 0 1 5 5l-8.5 8.4a1.7 1.7 0 0 1-2.5-2.4l7.8-7.7",
  send: "M4 4l17 8-17 8 3-8-3-8zM7 12h14",
  sheet: "M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5",
  film: "M8 5l11 7-11 7z",
  card: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21a8 8 0 0 1 16 0",
};
export const icon = (name) => svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));

const ZONE = "Asia/Shanghai";
const hour = new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, month: "long", day: "numeric", weekday: "short" });
const full = new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
export const hourOf = (unix) => hour.format(unix * 1000);
export const dayOf = (unix) => day.format(unix * 1000);
export const momentOf = (date) => full.format(date);

export function sizeOf(bytes) {
  if (!bytes) return "";
  return bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

const WRAP = {
  bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote", text_mention: "b", hashtag: "b",
};

// Text with entities as nodes; open(url) and command(text) are called when one is activated.
// Entity offsets are UTF-16 units, which is how JavaScript counts anyway.
export function rich(text, entities = [], { open, command }) {
  const build = (from, to, list) => {
    const nodes = [];
    let at = from;
    while (list.length) {
      const [first, ...rest] = list;
      const begin = Math.max(first.offset, at);
      const end = Math.min(first.offset + first.length, to);
      const inside = rest.filter((e) => e.offset < end);
      list = rest.filter((e) => e.offset >= end);
      if (end <= begin) continue;
      if (begin > at) nodes.push(text.slice(at, begin));
      nodes.push(wrap(first, text.slice(begin, end), build(begin, end, inside)));
      at = end;
    }
    if (at < to) nodes.push(text.slice(at, to));
    return nodes;
  };
  const wrap = (entity, words, children) => {
    const { type } = entity;
    if (type === "url" || type === "text_link") {
      const url = type === "url" ? words : entity.url;
      return h("a", { href: url, rel: "noopener noreferrer", onclick: (e) => { e.preventDefault(); open(url); } }, children);
    }
    if (type === "bot_command") return h("button", { type: "button", class: "command", onclick: () => command(words) }, children);
    if (type === "spoiler") {
      return h("span", { class: "spoiler", tabindex: "0", role: "button", "aria-label": "点开看遮住的内容", onclick: (e) => e.currentTarget.classList.add("open") }, children);
    }
    return h(WRAP[type] || "span", {}, children);
  };
  return build(0, text.length, [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length));
}
