// The durable rows beside the phones. A row is an object: `what` (or title, kind) heads it, `state`
// (or status) marks it, `at` dates it, `note` and all other fields stand below.
import { h, momentOf } from "./dom.js";

const STREAMS = [["inbox", "收到的消息", "inbox"], ["cases", "案件", "cases"], ["outbox", "待发与已发", "outbox"]];
const DONE = /^(done|sent|ok|closed|settled|success|已|完成)/i;
const BAD = /(fail|dead|poison|error|blocked|unknown|失败)/i;
const OWN = ["what", "title", "kind", "state", "status", "at", "created_at", "id"];

const plain = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value));

function drawRow(row) {
  const state = plain(row.state ?? row.status ?? "");
  const at = row.at ?? row.created_at;
  const head = row.what ?? row.title ?? row.kind ?? (row.id !== undefined ? `#${row.id}` : "记录");
  const rest = Object.entries(row).filter(([name, value]) => !OWN.includes(name) && value !== null && value !== "");
  const tone = BAD.test(state) ? "bad" : DONE.test(state) ? "done" : state ? "wait" : "";
  const date = at ? new Date(at) : null;
  return h("li", { class: `entry ${tone}` },
    h("b", {}, plain(head)), state ? h("span", { class: "chip" }, state) : null,
    date && !Number.isNaN(date.valueOf()) ? h("small", {}, momentOf(date)) : null,
    rest.length ? h("small", {}, rest.map(([name, value]) => (name === "note" ? plain(value) : `${name}: ${plain(value)}`)).join(" · ")) : null);
}

export function drawRecords(target, rows) {
  const top = target.scrollTop;
  target.replaceChildren(...STREAMS.map(([key, title, tag]) => {
    const list = (rows[key] || []).slice(-40).reverse();
    return h("section", { class: "stream" },
      h("h3", {}, title, h("small", {}, `${tag} · ${(rows[key] || []).length}`)),
      list.length ? h("ol", {}, list.map(drawRow)) : h("p", { class: "nothing" }, "还没有。"));
  }));
  target.scrollTop = top;
}
