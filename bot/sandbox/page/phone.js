// One phone: whose it is, its chats, the open chat and everything that can be done in it.
import { act, get } from "./net.js";
import { dayOf, h, hourOf, icon } from "./dom.js";
import { picker } from "./map.js";
import { contents, gist, service, together } from "./message.js";
import * as box from "./box.js";

const TYPING = { typing: "正在输入…", upload_photo: "正在发照片…", upload_document: "正在发文件…", find_location: "正在找位置…" };

// Who belongs into a work group.
export const ofDesks = (person) => person.role !== "consumer" && !person.deactivated;

export class Phone {
  constructor(role, title, shared) {
    Object.assign(this, { role, title, shared, chats: [], drafts: {}, seen: {}, nodes: new Map(), busy: new Map() });
    this.person = null;
    this.chat = 0;
    this.reply = null;
    this.editing = null;
    this.typing = {};
    this.build();
  }

  build() {
    this.people = h("select", { "aria-label": `${this.title}：换一个人`, onchange: () => this.become(Number(this.people.value)) });
    this.owner = h("div", { class: "owner" }, h("h2", {}, this.title), this.people);
    this.tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "聊天", hidden: true });
    this.face = h("span", { class: "face", "aria-hidden": "true" }, "诉");
    this.name = h("b");
    this.under = h("span", { "aria-live": "polite" });
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": "聊天记录", tabindex: "0" });
    this.strip = h("div", { class: "strip", hidden: true });
    this.input = h("textarea", { rows: "1", placeholder: "写消息", "aria-label": "写消息", enterkeyhint: "send",
      oninput: () => this.grow(), onkeydown: (e) => this.key(e) });
    this.menuButton = h("button", { type: "button", class: "menu-button", "aria-haspopup": "true", onclick: () => this.showCommands() }, "菜单");
    this.begin = h("button", { type: "button", class: "begin", onclick: () => this.do({ kind: "start" }) }, "开始");
    this.compose = h("div", { class: "compose" });
    this.keyboard = h("div", { class: "reply-keys", hidden: true });
    this.picked = h("input", { type: "file", hidden: true, onchange: () => this.sendFiles() });
    this.element = h("section", { class: "phone", "aria-label": this.title, "data-role": this.role },
      this.owner, this.tabs,
      h("div", { class: "who" }, this.face, h("div", { class: "who-text" }, this.name, this.under),
        h("button", { type: "button", class: "round", "aria-label": "这个聊天的更多操作", "aria-haspopup": "true", onclick: (e) => this.showChatMenu(e.currentTarget) }, "⋮")),
      this.log, this.strip, this.compose, this.keyboard, this.picked);
    this.element.addEventListener("keydown", (e) => { if (e.key === "Escape") this.closePop(true); });
    this.element.addEventListener("pointerdown", (e) => { if (!e.target.closest(".pop, [aria-haspopup]")) this.closePop(); });
    this.down = h("button", { type: "button", class: "to-end", "aria-label": "到最新消息", hidden: true, onclick: () => { this.follow = true; this.toEnd(); } }, "↓");
    this.log.after(this.down);
    this.follow = true;
    this.log.addEventListener("scroll", () => {
      const near = this.nearEnd();
      if (!this.moving) this.follow = near;
      this.down.hidden = near;
      this.markSeen();
    });
  }

  // On a narrow screen, whose phone it is stands in the chat's own line.
  dock(narrow) {
    const line = narrow ? this.face.parentElement : this.owner;
    if (this.people.parentElement === line) return;
    if (narrow) line.lastElementChild.before(this.people);
    else line.append(this.people);
  }

  nearEnd() { return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60; }

  // Shows the newest; of news taller than the screen, its beginning.
  toEnd(news = null) {
    this.moving = true;
    requestAnimationFrame(() => {
      const end = this.log.scrollHeight - this.log.clientHeight;
      this.log.scrollTop = news ? Math.min(end, news.offsetTop - this.log.offsetTop - 10) : end;
      this.down.hidden = this.nearEnd();
      this.markSeen();
      requestAnimationFrame(() => { this.moving = false; });
    });
  }

  // Who and where
  setPeople(people) {
    this.all = people;
    const names = people.map((p) => `${p.id} ${p.first_name}`).join("\n");
    if (this.people.dataset.names !== names) { // an open list is left in peace
      this.people.dataset.names = names;
      this.people.replaceChildren(...people.map((p) => h("option", { value: String(p.id) }, p.first_name)));
      this.people.hidden = people.length < 1;
    }
    if (this.person) this.person = people.find((p) => p.id === this.person.id) || this.person;
    if (this.person) this.people.value = String(this.person.id);
    else if (people.length) this.become(people[0].id);
    if (this.chat) this.drawCompose();
  }

  // Nothing can be tapped for the one who leaves once the other is named; her draft stays hers.
  async become(id) {
    if (this.chat) this.drafts[this.chat] = this.input.value;
    this.person = this.all.find((p) => p.id === id);
    this.people.value = String(id);
    this.chat = 0;
    this.compose.replaceChildren();
    delete this.compose.dataset.shape;
    await this.refreshChats();
    await this.open(this.person.id);
  }

  async refreshChats() {
    if (!this.person) return;
    this.chats = await get("chats", { person: this.person.id });
    const [talk, ...groups] = this.chats;
    groups.sort((a, b) => (b.last?.message.date || 0) - (a.last?.message.date || 0));
    this.chats = [talk, ...groups];
    for (const chat of this.chats) this.seen[chat.chat] ??= this.chat ? 0 : chat.last?.message.message_id || 0;
    this.drawTabs();
  }

  unread(chat) {
    const last = chat.last;
    return last && last.message.from.id !== this.person.id && last.message.message_id > (this.seen[chat.chat] || 0);
  }

  get hasNews() { return this.chats.some((chat) => this.unread(chat)); }

  drawTabs() {
    this.tabs.hidden = this.chats.length < 2;
    const had = this.tabs.contains(document.activeElement);
    this.tabs.replaceChildren(...this.chats.map((chat) => h("button", {
      type: "button", class: "tab", role: "tab", "aria-selected": String(chat.chat === this.chat), tabindex: chat.chat === this.chat ? "0" : "-1",
      onclick: () => this.open(chat.chat),
      onkeydown: (e) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
        if (step) this.open(this.chats.at((this.chats.indexOf(chat) + step) % this.chats.length).chat);
      },
    }, chat.title, this.unread(chat) && chat.chat !== this.chat ? h("span", { class: "badge", "aria-label": "有新消息" }, "新") : null)));
    const chosen = this.tabs.querySelector('[aria-selected="true"]');
    if (had) chosen?.focus();
    if (chosen && this.tabs.scrollWidth > this.tabs.clientWidth) this.tabs.scrollLeft = chosen.offsetLeft - 60;
    this.shared.newsChanged();
  }

  async open(chat) {
    if (this.chat) this.drafts[this.chat] = this.input.value;
    this.chat = chat;
    this.input.value = this.drafts[chat] || "";
    this.reply = this.editing = null;
    this.nodes.clear();
    this.log.replaceChildren();
    this.drawTabs();
    this.follow = true;
    await this.refresh();
    this.toEnd();
    this.grow();
  }

  get here() { return this.chats.find((c) => c.chat === this.chat); }

  // What happened
  async heard(events) {
    const mine = events.filter((e) => e.chat === undefined || this.chats.some((c) => c.chat === e.chat) || e.kind === "chat" || e.kind === "message");
    if (!mine.length || !this.person) return;
    for (const event of mine) {
      if (event.kind === "answer" && event.person === this.person.id) this.answered(event);
      if (event.kind === "typing") this.showTyping(event);
      if (event.kind === "message" && event.out) delete this.typing[event.chat];
    }
    if (mine.some((e) => ["message", "edit", "delete", "chat"].includes(e.kind))) {
      await this.refreshChats();
      // A case that reaches a work group opens there by itself, unless someone is writing.
      const arrived = mine.filter((e) => e.kind === "message" && e.out && e.chat < 0 && e.chat !== this.chat && this.chats.some((c) => c.chat === e.chat)).at(-1);
      if (this.role === "staff" && arrived && !this.input.value && !this.pop) { await this.open(arrived.chat); return; }
    }
    if (mine.some((e) => e.chat === this.chat || e.kind === "commands" || e.kind === "chat")) await this.refresh();
  }

  showTyping({ chat, action }) {
    this.typing[chat] = { words: TYPING[action] || TYPING.typing, until: Date.now() + 5000 };
    setTimeout(() => this.drawHead(), 5100);
    this.drawHead();
  }

  answered({ query, text, alert, url }) {
    this.busy.get(query)?.classList.remove("busy");
    this.busy.delete(query);
    if (url) this.link(url);
    if (!text) return;
    if (alert) box.say(this.title, text);
    else this.toast(text);
  }

  toast(words) {
    this.element.querySelector(".toast")?.remove();
    const made = h("div", { class: "toast", role: "status" }, words);
    this.element.append(made);
    setTimeout(() => made.remove(), 3500);
  }

  // Drawing the chat
  drawHead() {
    const chat = this.here;
    if (!chat) return;
    const group = chat.chat < 0;
    this.face.textContent = [...chat.title][0];
    this.face.classList.toggle("group", group);
    this.name.textContent = chat.title;
    const typing = this.typing[this.chat];
    const active = typing && typing.until > Date.now();
    this.under.textContent = active ? typing.words : group ? (chat.bot === "kicked" || chat.bot === "left" ? "工作群 · 机器人不在群里" : "工作群") : "机器人";
    this.under.className = active ? "typing" : "";
  }

  async refresh() {
    const { chat } = this;
    if (!chat) return;
    const [posts, keyboard, commands] = await Promise.all([
      get("messages", { chat, limit: 300 }), get("keyboard", { chat }), get("commands", { chat, person: this.person.id }),
    ]);
    if (chat !== this.chat) return;
    this.posts = posts;
    this.commands = commands;
    this.drawHead();
    this.drawLog(posts.filter((p) => !p.deleted));
    this.drawKeyboard(keyboard);
    this.drawCompose();
  }

  drawLog(posts) {
    const first = !this.nodes.size;
    let news = null;
    const kept = new Set();
    let before = null;
    let lastDay = "";
    const put = (key, shape, make) => {
      kept.add(key);
      const old = this.nodes.get(key);
      let node = old?.node;
      if (!old || old.shape !== shape) {
        node = make();
        if (old) { const had = old.node.contains(document.activeElement); old.node.replaceWith(node); if (had) this.log.focus({ preventScroll: true }); }
        else { if (!first) { node.classList.add("fresh"); if (!node.matches(".mine")) news ??= node; } before ? before.after(node) : this.log.prepend(node); }
        this.nodes.set(key, { shape, node });
      }
      before = node;
    };
    for (const post of together(posts)) {
      const day = dayOf(post.message.date);
      if (day !== lastDay) put(`day ${day}`, day, () => h("div", { class: "day" }, day));
      lastDay = day;
      put(post.message.message_id, JSON.stringify(post), () => this.drawPost(post));
    }
    if (!posts.length) put("empty", "", () => h("div", { class: "event" }, this.chat > 0 ? "还没有消息。点下面的“开始”，就像第一次打开这个机器人。" : "群里还没有消息。"));
    for (const [key, { node }] of this.nodes) if (!kept.has(key)) { node.remove(); this.nodes.delete(key); }
    if (this.follow || first) this.toEnd(news);
  }

  markSeen() {
    if (!this.posts?.length || !this.element.offsetParent) return;
    const last = this.posts.at(-1).message.message_id;
    if (last > (this.seen[this.chat] || 0)) { this.seen[this.chat] = last; this.drawTabs(); }
  }

  drawPost(post) {
    const { message } = post;
    const event = service(message);
    if (event) return h("div", { class: "event" }, event);
    const all = [message, ...(post.more || [])];
    const mine = message.from.id === this.person.id;
    const rows = message.reply_markup?.inline_keyboard || [];
    const quoted = message.reply_to_message;
    const origin = message.forward_origin;
    const bubble = h("div", { class: "bubble" },
      this.chat < 0 && !mine ? h("div", { class: "from" }, message.from.first_name) : null,
      origin ? h("div", { class: "from" }, `转发自 ${origin.sender_user?.first_name || origin.sender_user_name || "别处"}`) : null,
      quoted ? h("button", { type: "button", class: "quote", onclick: () => this.jump(quoted.message_id) }, gist(quoted)) : null,
      contents(all, { places: this.shared.places, open: (url) => this.link(url), command: (text) => this.do({ kind: "text", text }) }),
      h("span", { class: "meta" }, `${post.edited ? "已编辑 " : ""}${hourOf(message.date)}`));
    const more = h("button", { type: "button", class: "more", "aria-label": "对这条消息…", "aria-haspopup": "true", onclick: (e) => this.showPostMenu(e.currentTarget, post, mine) }, "⋯");
    return h("div", { class: `row${mine ? " mine" : ""}${rows.length ? " wide" : ""}`, "data-id": String(message.message_id), "data-ids": all.map((m) => m.message_id).join(" "), "data-from": mine ? "me" : "them" },
      bubble, more,
      rows.length ? h("div", { class: "keys", role: "group", "aria-label": "按钮" }, rows.map((row) => h("div", {}, row.map((button) => this.drawKey(button, message))))) : null);
  }

  drawKey(button, message) {
    const key = h("button", { type: "button", class: "key" }, button.text, button.url ? h("span", { class: "out", "aria-hidden": "true" }, "↗") : null);
    key.addEventListener("click", async () => {
      if (button.url) { this.link(button.url); return; }
      if (button.copy_text) { await navigator.clipboard?.writeText(button.copy_text.text); this.toast("已复制"); return; }
      key.classList.add("busy");
      const made = await this.do({ kind: "press", message: message.message_id, data: button.callback_data });
      if (!made) { key.classList.remove("busy"); return; }
      this.busy.set(made.query, key);
      setTimeout(() => { key.classList.remove("busy"); this.busy.delete(made.query); }, 15000);
    });
    return key;
  }

  jump(id) {
    const node = this.log.querySelector(`.row[data-ids~="${id}"]`);
    node?.scrollIntoView({ block: "center", behavior: "smooth" });
    node?.querySelector("button")?.focus({ preventScroll: true });
  }

  // Under the chat
  drawKeyboard(keyboard) {
    const hidden = !keyboard || (keyboard.one_time_keyboard && this.usedKeyboard === JSON.stringify(keyboard));
    this.keyboard.hidden = hidden || this.person.blocked;
    this.input.placeholder = keyboard?.input_field_placeholder || "写消息";
    this.keyboard.replaceChildren(...(hidden ? [] : keyboard.keyboard.map((row) => h("div", {}, row.map((button) => h("button", {
      type: "button", class: "key",
      onclick: async () => {
        if (button.request_location) { this.pickPlace(); return; }
        await this.do({ kind: "pick_button", label: button.text });
        this.usedKeyboard = JSON.stringify(keyboard);
      },
    }, button.text))))));
  }

  drawCompose() {
    const { person } = this;
    const shut = this.chat === person.id && (!person.started || person.blocked);
    const shape = `${shut} ${person.blocked} ${Boolean(this.commands?.length)}`;
    if (this.compose.dataset.shape === shape) return;
    this.compose.dataset.shape = shape;
    this.begin.textContent = person.blocked ? "解除屏蔽，重新开始" : "开始";
    if (shut) { this.compose.replaceChildren(this.begin); return; }
    this.compose.replaceChildren(
      ...(this.commands?.length ? [this.menuButton] : []),
      h("button", { type: "button", class: "round", "aria-label": "发照片、文件、语音或位置", "aria-haspopup": "true", onclick: () => this.showAttach() }, icon("clip")),
      this.input,
      h("button", { type: "button", class: "round send", "aria-label": "发送", onclick: () => this.send() }, icon("send")));
  }

  drawStrip() {
    const on = this.reply || this.editing;
    this.strip.hidden = !on;
    if (!on) return;
    this.strip.replaceChildren(h("b", {}, this.editing ? "编辑" : "回复"), h("span", {}, gist(on)),
      h("button", { type: "button", "aria-label": "取消", onclick: () => { if (this.editing) this.input.value = ""; this.reply = this.editing = null; this.drawStrip(); this.input.focus(); } }, "✕"));
  }

  grow() {
    this.input.style.height = "40px";
    this.input.style.height = `${Math.min(this.input.scrollHeight + 2, 132)}px`;
    const slash = this.input.value.match(/^\/(\w*)$/);
    if (slash && this.commands?.length) this.showCommands(slash[1]);
    else if (this.pop?.dataset.kind === "commands") this.closePop();
  }

  key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.send(); }
  }

  // Doing
  async do(body, files = []) {
    this.follow = true;
    try {
      return await act({ person: this.person.id, chat: this.chat, ...body }, files);
    } catch (error) {
      this.toast(`没有成功：${error.message}`);
      return null;
    }
  }

  async send() {
    const text = this.input.value.trim();
    if (!text) return;
    const body = this.editing ? { kind: "edit", message: this.editing.message_id, text } : { kind: "text", text, reply_to: this.reply?.message_id };
    this.input.value = "";
    this.drafts[this.chat] = "";
    this.reply = this.editing = null;
    this.drawStrip();
    this.grow();
    await this.do(body);
    this.input.focus();
  }

  choose(kind, accept, multiple) {
    this.closePop();
    this.choosing = kind;
    this.picked.accept = accept;
    this.picked.multiple = multiple;
    this.picked.value = "";
    this.picked.click();
  }

  async sendFiles() {
    const files = [...this.picked.files].slice(0, 10);
    if (!files.length) return;
    const caption = this.input.value.trim();
    this.input.value = "";
    const reply = { reply_to: this.reply?.message_id };
    this.reply = null;
    this.drawStrip();
    if (files.length > 1 && this.choosing !== "voice") {
      await this.do({ kind: "album", caption, files: files.map(() => ({ kind: this.choosing })), ...reply }, files);
    } else for (const file of files) await this.do({ kind: this.choosing, caption, ...reply }, [file]);
  }

  pickPlace() {
    this.closePop();
    let chosen = null;
    const send = async (close) => { if (chosen) { close(); await this.do({ kind: "location", ...chosen }); } };
    if (!this.shared.places.length) {
      const lat = h("input", { inputmode: "decimal", value: "31.2214" });
      const lon = h("input", { inputmode: "decimal", value: "121.5447" });
      box.ask("发送位置", { 纬度: lat, 经度: lon }, "发送").then((go) => go && this.do({ kind: "location", lat: Number(lat.value), lon: Number(lon.value) }));
      return;
    }
    const go = box.button("发送这个位置", () => send(() => document.getElementById("box").close()), true);
    go.disabled = true;
    box.show("选一个位置", picker(this.shared.places, (point) => { chosen = point; go.disabled = false; }), (close) => [box.button("取消", close), go], { wide: true });
  }

  async link(url) {
    const { username } = this.shared.bot;
    let parsed = null;
    try { parsed = new URL(url.includes("://") ? url : `https://${url}`); } catch { /* shown as it is below */ }
    const own = parsed && ["t.me", "telegram.me"].includes(parsed.hostname) && parsed.pathname.slice(1).toLowerCase() === username.toLowerCase();
    if (own && parsed.searchParams.has("startgroup")) return this.addToGroup(parsed.searchParams.get("startgroup"));
    if (own) {
      await this.do({ kind: "start", payload: parsed.searchParams.get("start") || "" });
      return this.open(this.person.id);
    }
    return box.show("要打开这个网址吗？", [h("p", { class: "plain" }, url)], (close) => [
      box.button("取消", close), h("a", { class: "go", href: url, target: "_blank", rel: "noopener noreferrer", onclick: close }, "打开"),
    ]);
  }

  async addToGroup(payload) {
    // The group that still waits for the bot is meant first, the youngest of them.
    const groups = this.chats.filter((c) => c.chat < 0).sort((a, b) => (a.bot === "left" ? 0 : 1) - (b.bot === "left" ? 0 : 1));
    const group = h("select", {}, groups.map((g) => h("option", { value: String(g.chat) }, g.title)), h("option", { value: "" }, "新建一个群"));
    if (groups[0]?.bot !== "left") group.value = "";
    const title = h("input", { value: "联络点工作群", maxlength: "60" });
    const only = () => { title.disabled = group.value !== ""; };
    group.addEventListener("change", only);
    only();
    if (!(await box.ask("把机器人加进哪个群？", { 群: group, 新群的名字: title }, "加进去"))) return;
    const made = await this.do({ kind: "startgroup", payload, group: Number(group.value) || undefined, title: title.value, chat: this.person.id,
      members: this.shared.state().persons.filter(ofDesks).map((p) => p.id) });
    if (made) { await this.refreshChats(); await this.open(made.chat); }
  }

  async invite() {
    const { persons, groups } = this.shared.state();
    const inside = groups.find((g) => g.id === this.chat).members;
    const others = persons.filter((p) => !p.deactivated && !inside.includes(p.id));
    if (!others.length) { box.say("拉人进群", "大家都在群里了。点页面上方的“加人或群”，可以先加一个人。"); return; }
    const who = h("select", {}, others.map((p) => h("option", { value: String(p.id) }, p.first_name)));
    if (await box.ask("拉人进群", { 把谁拉进来: who }, "拉进来")) await this.do({ kind: "invite", member: Number(who.value) });
  }

  // Menus
  closePop(focus = false) {
    if (!this.pop) return;
    const { opener } = this;
    this.pop.remove();
    this.pop = null;
    if (focus) opener?.focus();
  }

  openPop(kind, items, { small = false, near = null, focus = true } = {}) {
    this.closePop();
    this.opener = document.activeElement;
    this.pop = h("div", { class: `pop${small ? " small" : ""}`, role: "menu", "data-kind": kind }, items.map(([label, note, run]) => h("button", {
      type: "button", role: "menuitem", onclick: () => { this.closePop(); run(); },
    }, h("b", {}, label), note ? h("span", {}, note) : null)));
    this.pop.addEventListener("keydown", (e) => {
      const all = [...this.pop.querySelectorAll("button")];
      const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
      if (step) { e.preventDefault(); all.at((all.indexOf(document.activeElement) + step) % all.length).focus(); }
    });
    this.element.append(this.pop);
    if (near) {
      const base = this.element.getBoundingClientRect();
      const place = near.getBoundingClientRect();
      const { offsetWidth: wide, offsetHeight: tall } = this.pop;
      this.pop.style.left = `${Math.min(Math.max(place.left - base.left - wide / 2, 8), base.width - wide - 8)}px`;
      this.pop.style.top = `${Math.min(place.bottom - base.top + 4, base.height - tall - 8)}px`;
    } else {
      this.pop.style.bottom = `${base(this.element, this.compose)}px`;
    }
    if (focus) this.pop.querySelector("button")?.focus();
  }

  showCommands(prefix = "") {
    if (this.pop?.dataset.kind === "commands" && !prefix) { this.closePop(); return; }
    const found = this.commands.filter((c) => c.command.startsWith(prefix));
    if (!found.length) { this.closePop(); return; }
    const typed = this.input.value.startsWith("/");
    this.openPop("commands", found.map((c) => [`/${c.command}`, c.description, () => {
      if (typed) this.input.value = "";
      this.grow();
      const address = this.chat < 0 ? `@${this.shared.bot.username}` : "";
      this.do({ kind: "text", text: `/${c.command}${address}` });
    }]), { focus: !typed });
  }

  showAttach() {
    this.openPop("attach", [
      ["照片", "一张，或一次选几张", () => this.choose("photo", "image/*", true)],
      ["文件", "合同、发票的 PDF 等", () => this.choose("document", "", true)],
      ["语音", "选一个录音文件", () => this.choose("voice", "audio/*", false)],
      ["位置", "在图上点一下", () => this.pickPlace()],
    ]);
  }

  showChatMenu(near) {
    const items = this.chat < 0
      ? [["拉人进群", "", () => this.invite()], ["把机器人移出群", "", () => this.do({ kind: "kick" })], ["把机器人设为管理员", "", () => this.do({ kind: "promote" })]]
      : [this.person.blocked ? ["解除屏蔽", "", () => this.do({ kind: "unblock" })] : ["屏蔽机器人", "", () => this.do({ kind: "block" })], ["把机器人加进群", "", () => this.addToGroup("")]];
    this.openPop("chat", items, { small: true, near });
  }

  showPostMenu(near, post, mine) {
    const { message } = post;
    const words = message.text || message.caption || "";
    const items = [["回复", "", () => { this.reply = message; this.editing = null; this.drawStrip(); this.input.focus(); }]];
    if (mine && words) items.push(["编辑", "", () => { this.editing = message; this.reply = null; this.input.value = words; this.drawStrip(); this.grow(); this.input.focus(); }]);
    if (words) items.push(["复制", "", () => navigator.clipboard?.writeText(words)]);
    if (this.chat < 0) items.push(["转发给机器人", "", () => this.do({ kind: "forward", chat: this.person.id, from_chat: this.chat, message: message.message_id })]);
    if (mine || this.chat > 0) items.push(["删除", "", async () => { for (const each of [message, ...(post.more || [])]) await this.do({ kind: "delete", message: each.message_id }); }]);
    this.openPop("post", items, { small: true, near });
  }
}

const base = (phone, compose) => phone.getBoundingClientRect().bottom - compose.getBoundingClientRect().top + 6;
