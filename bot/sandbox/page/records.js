// The durable rows beside the phones. A row is an object: `what` (or title, kind) heads it, `state`
// (or status) marks it, `at` dates it, `note` and all other fields stand below.
import { h, momentOf } from "./dom.js";

const STREAMS = [["inbox", "收到的消息", "inbox"], ["cases", "案件", "cases"], ["outbox", "待发与已发", "outbox"]];
const DONE = /^(done|sent|ok|closed|settled|success|已|完成)/i;
const BAD = /(fail|dead|poison|error|blocked|unknown|失败)/i;
const STATES = { open: "待处理", leased: "处理中", done: "已处理", due: "待发", sent: "已发出", dead: "已搁置", unknown: "不确定是否送到", failed: "失败" };
// What the bot owes, by its kind or by the place in the chat that it renews.
const OWED = { message: "消息", fetch: "取文件", drop: "删文件", card: "工作群的卡片", album: "几份材料", rate: "评价", poster: "画海报", locate: "查地点" };
const owed = (note) => OWED[note.split(":")[0]] || (note.includes(":") ? OWED.message : note);
const OWN = ["what", "title", "kind", "state", "status", "at", "created_at", "id"];

const plain = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value));

// `names` turns an address such as tg:1001 into who that is.
function drawRow(row, names) {
  const state = plain(row.state ?? row.status ?? "");
  const at = row.at ?? row.created_at;
  const own = row.note ? owed(plain(row.note)) : "";
  const head = row.what || own || row.title || row.kind || (row.id !== undefined ? `#${row.id}` : "记录");
  const who = plain(head).replace(/^tg:(-?\d+)$/, (all, id) => names(Number(id)) || all);
  const rest = Object.entries(row).filter(([name, value]) => !(name === "note" && head === own) && !OWN.includes(name) && value !== null && value !== "" && !(name === "attempts" && value <= 1));
  const tone = BAD.test(state) ? "bad" : DONE.test(state) ? "done" : state ? "wait" : "";
  const date = at ? new Date(at) : null;
  const below = rest.map(([name, value]) => (name === "note" ? own : name === "attempts" ? `第 ${value} 次` : `${name}: ${plain(value)}`));
  if (date && !Number.isNaN(date.valueOf())) below.unshift(momentOf(date));
  return h("li", { class: `entry ${tone}` },
    h("b", {}, who), state ? h("span", { class: "chip" }, STATES[state] || state) : null,
    below.length ? h("small", {}, below.join(" · ")) : null);
}

export function drawRecords(target, rows, names) {
  target.replaceChildren(...STREAMS.map(([key, title, tag]) => {
    const list = (rows[key] || []).slice(-40).reverse();
    return h("section", { class: "stream" },
      h("h3", {}, title, h("small", {}, `${tag} · ${(rows[key] || []).length}`)),
      list.length ? h("ol", { tabindex: "0", "aria-label": title }, list.map((row) => drawRow(row, names))) : h("p", { class: "nothing" }, "还没有。"));
  }));
}
