// The page: three phones, who is on them, and what the durable rows say beside them.
import { h, momentOf } from "./dom.js";
import { act, get, post } from "./net.js";
import { Phone, ofDesks } from "./phone.js";
import { Plays } from "./plays.js";
import { drawRecords } from "./records.js";
import * as box from "./box.js";

const $ = (id) => document.getElementById(id);
const ROLES = [["consumer", "消费者"], ["staff", "联络点"], ["admin", "管理员"]];
const shared = { places: [], bot: {}, newsChanged: () => drawSwitcher(), state: () => state };
let phones = [];
let state = null;
let shown = "consumer";
let offset = 0;

// Theme: as the system says, until someone chooses.
const dark = matchMedia("(prefers-color-scheme: dark)");
function theme(next) {
  if (next) localStorage.setItem("theme", next);
  const chosen = localStorage.getItem("theme") || (dark.matches ? "dark" : "light");
  document.documentElement.dataset.theme = chosen;
  $("theme").textContent = chosen === "dark" ? "☀ 浅色" : "☾ 深色";
}
theme();
dark.addEventListener("change", () => theme());
$("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));

// Narrow screens show one phone (or the records) at a time.
function drawSwitcher() {
  const tabs = [...ROLES, ...(state?.observe ? [["records", "记录"]] : [])];
  const focus = $("switcher").contains(document.activeElement) && document.activeElement.dataset.role;
  $("switcher").replaceChildren(...tabs.map(([role, title]) => {
    const news = role !== shown && phones.find((p) => p.role === role)?.hasNews;
    return h("button", { type: "button", "data-role": role, "aria-pressed": String(role === shown), onclick: () => choose(role) },
      title, news ? h("span", { class: "badge", "aria-label": "有新消息" }, "新") : null);
  }));
  if (focus) $("switcher").querySelector(`[data-role="${focus}"]`)?.focus();
}
const narrow = matchMedia("(max-width: 899px)");
const wide = matchMedia("(min-width: 1320px)");
function choose(role) {
  shown = role;
  layout();
  const phone = phones.find((p) => p.role === role);
  if (phone) { phone.toEnd(); phone.grow(); }
  drawSwitcher();
}
let recordsOpen = wide.matches;
function layout() {
  for (const phone of phones) { phone.element.classList.toggle("shown", phone.role === shown); phone.dock(narrow.matches); }
  $("phones").hidden = narrow.matches && shown === "records";
  $("records").hidden = !state?.observe || (narrow.matches ? shown !== "records" : !recordsOpen);
  $("toggle-records").hidden = !state?.observe || narrow.matches;
  $("toggle-records").setAttribute("aria-expanded", String(!$("records").hidden));
}
narrow.addEventListener("change", layout);
wide.addEventListener("change", () => { recordsOpen = wide.matches; layout(); });
$("toggle-records").addEventListener("click", () => { recordsOpen = !recordsOpen; layout(); });

// State of the world
async function refreshState() {
  state = await get("state");
  shared.bot = state.bot;
  offset = state.offset;
  for (const phone of phones) phone.setPeople(state.persons.filter((p) => p.role === phone.role && !p.deactivated));
  $("process").hidden = !state.process;
  layout();
  drawHealth();
}

function drawHealth() {
  const { bot_online: up, pending } = state;
  $("health").className = `health ${up ? "up" : "down"}`;
  const words = up ? "机器人在线" : pending ? `机器人不在线，${pending} 条消息在排队` : "机器人不在线";
  if ($("health-text").textContent !== words) $("health-text").textContent = words;
  $("kill").disabled = !up;
  $("revive").disabled = up;
}

async function control(action) {
  $("kill").disabled = $("revive").disabled = true;
  try { await post("process", { action }); } catch (error) { box.say("没有成功", error.message); }
  setTimeout(refreshState, 600);
}
$("kill").addEventListener("click", () => control("kill"));
$("revive").addEventListener("click", () => control("start"));

// A person takes a phone at once; a group is made with all staff and admins in it, and then bound as
// an admin binds any group.
$("add").addEventListener("click", async () => {
  const who = h("select", {}, [["consumer", "消费者"], ["staff", "联络点工作人员"], ["admin", "管理员"], ["group", "联络点的工作群"]].map(([id, title]) => h("option", { value: id }, title)));
  const name = h("input", { required: true, maxlength: "60", placeholder: "例如 李叔叔" });
  who.addEventListener("change", () => { name.placeholder = who.value === "group" ? "例如 塘桥联络点工作群" : "例如 李叔叔"; });
  if (!(await box.ask("加人或群", { 是谁: who, 称呼或群名: name }, "加上")) || !name.value.trim()) return;
  try {
    if (who.value === "group") await addGroup(name.value.trim());
    else await addPerson(name.value.trim(), who.value);
  } catch (error) { box.say("没有成功", error.message); }
});

async function addPerson(first_name, role) {
  const made = await post("person", { first_name, role });
  await refreshState();
  await phones.find((p) => p.role === role).become(made.id);
  await startThem();
  await refreshState();
  choose(role);
}

async function addGroup(title) {
  await post("group", { title, members: state.persons.filter(ofDesks).map((p) => p.id) });
  await refreshState();
  choose("admin");
  box.say("群已经建好", `“${title}”里有全部工作人员和管理员，机器人还没有进群。\n接下来在管理员的手机上点“名册与人员”、“绑定工作群”，选好街镇，再点“选群并绑定”，选这个群。`);
}

// Events come in bursts: they are taken together.
let waiting = [];
let timer = 0;
function heard(event) {
  waiting.push(event);
  timer ||= setTimeout(async () => {
    const events = waiting;
    waiting = [];
    timer = 0;
    if (events.some((e) => ["person", "chat", "clock", "process", "message"].includes(e.kind))) await refreshState();
    plays?.heard(events);
    for (const phone of phones) await phone.heard(events);
    refreshRecords();
  }, 40);
}
function listen() {
  const source = new EventSource(`control/events?after=${state.seq}`);
  source.onmessage = (message) => heard(JSON.parse(message.data));
  source.onerror = () => { $("health").className = "health down"; $("health-text").textContent = "模拟环境没有回应"; };
  source.onopen = refreshState;
}

// Scenarios that the page can play
let plays = null;
let playsOpen = !narrow.matches;
function layoutPlays() {
  $("toggle-plays").hidden = !plays;
  $("plays").hidden = !plays || !(playsOpen || plays.play);
  $("toggle-plays").setAttribute("aria-expanded", String(!$("plays").hidden));
}
$("toggle-plays").addEventListener("click", () => { playsOpen = !playsOpen; layoutPlays(); });
async function offerPlays() {
  const scenarios = state.scenarios ? await get("scenarios") : [];
  const show = (role) => { if (shown !== role) choose(role); };
  if (scenarios.length) plays = new Plays($("plays"), scenarios, { phones: () => phones, state: () => state, refresh: refreshState, show });
  layoutPlays();
}

const nameOf = (id) => state.persons.find((p) => p.id === id)?.first_name || state.groups.find((g) => g.id === id)?.title;

let records = "";
async function refreshRecords() {
  if (!state?.observe) return;
  const rows = await get("observe").catch(() => null);
  const shape = JSON.stringify(rows);
  if (rows && shape !== records) { records = shape; drawRecords($("records-body"), rows, nameOf); }
}

// Staff and admins are used to the bot: theirs is opened for them.
async function startThem() {
  for (const person of state.persons) {
    if (person.role !== "consumer" && !person.started) await act({ kind: "start", person: person.id });
  }
}

async function begin() {
  phones = ROLES.map(([role, title]) => new Phone(role, title, shared));
  $("phones").replaceChildren(...phones.map((p) => p.element));
  shared.places = await get("map.json");
  await refreshState();
  drawSwitcher();
  listen();
  await offerPlays();
  await startThem();
  await refreshRecords();
  setInterval(() => { if (!document.hidden) { refreshState().catch(() => {}); refreshRecords(); } }, 2000);
  setInterval(() => { $("clock").textContent = momentOf(Date.now() + offset * 1000); }, 1000);
}
begin();
