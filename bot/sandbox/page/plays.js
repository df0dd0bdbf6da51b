// Plays a scenario on the phones, the way a person would: waits for the bot, reads, types, presses.
import { h } from "./dom.js";
import { act, get, post } from "./net.js";

const LIMIT = 30000; // milliseconds without the awaited button, the bot being there, until it stops
const SILENT = 4000; // milliseconds after which a bot that says nothing has nothing to say
const QUIET = 350; // milliseconds of silence after which the bot has finished speaking
const PACES = [["slow", "慢", 1.7], ["calm", "正常", 1], ["fast", "快", 0.2], ["none", "不停顿", 0]];
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Ended extends Error {}

export class Plays {
  // `house` has: phones(), state(), refresh(), show(role).
  constructor(element, scenarios, house) {
    Object.assign(this, { element, scenarios, house, pace: "calm", play: null });
    this.drawOffer();
  }

  // Choosing
  drawOffer(words = "") {
    const had = this.element.contains(document.activeElement);
    this.element.className = "plays idle";
    this.element.replaceChildren(h("h2", {}, "看一遍"),
      h("div", { class: "offer", role: "group", "aria-label": "可以看的演示" }, this.scenarios.map((one) => h("button", {
        type: "button", title: one.about, onclick: () => this.run(one),
      }, "▶ ", one.title))),
      h("span", { class: "ran", role: "status" }, words));
    if (had) this.element.querySelector("button")?.focus();
  }

  drawPlaying() {
    const { play } = this;
    this.hold = h("button", { type: "button", class: "go", onclick: () => this.pause(!play.paused) });
    this.where = h("small");
    this.bar = h("i");
    this.meter = h("div", { class: "bar", role: "progressbar", "aria-label": "演到哪里", "aria-valuemin": "0", "aria-valuemax": String(play.steps.length) }, this.bar);
    this.told = h("p", { class: "told", role: "status" });
    const pace = h("select", { "aria-label": "快慢", onchange: () => { this.pace = pace.value; } }, PACES.map(([id, word]) => h("option", { value: id }, word)));
    pace.value = this.pace;
    this.element.className = "plays playing";
    this.element.replaceChildren(
      h("div", { class: "where" }, h("span", {}, play.title), this.meter, this.where),
      this.told,
      h("div", { class: "doing", role: "group", "aria-label": "演示" }, this.hold,
        h("button", { type: "button", onclick: () => this.step() }, "下一步"), pace,
        h("button", { type: "button", onclick: () => this.end() }, "结束")));
    this.pause(false);
    this.hold.focus();
  }

  tell(step, words, stuck = false) {
    const { play } = this;
    const at = play.at;
    this.meter.setAttribute("aria-valuenow", String(at));
    this.bar.style.width = `${(100 * at) / play.steps.length}%`;
    this.where.textContent = `第 ${Math.min(at + 1, play.steps.length)} 步，共 ${play.steps.length} 步`;
    this.told.classList.toggle("stuck", stuck);
    this.told.replaceChildren(h("b", {}, stuck ? "停下了：" : `${step.who.join("、")}：`), words);
  }

  // Pause, one step, end
  pause(on) {
    this.play.paused = on;
    this.hold.textContent = on ? "继续" : "暂停";
    if (!on) this.play.stuck = false;
  }
  step() { this.play.stuck = false; this.play.once = true; }
  end() { if (this.play) this.play.ended = true; }

  // Lets the time of reading pass; a pause holds it, a step cuts it short.
  async rest(ms) {
    const { play } = this;
    let left = ms * PACES.find(([id]) => id === this.pace)[2];
    if (!left && !play.paused && !play.ended) return;
    for (;;) {
      if (play.ended) throw new Ended();
      if (play.once) { play.once = false; return; }
      if (!play.paused && left <= 0) return;
      await wait(40);
      if (!play.paused) left -= 40;
    }
  }

  // Playing
  async run(scenario) {
    if (this.play) return;
    const play = { ...scenario, at: 0, fresh: new Map(), said: 0, heardAt: 0, ids: {}, paused: false };
    this.play = play;
    this.drawPlaying();
    this.told.textContent = scenario.about;
    let words = "";
    try {
      await this.cast(play);
      await this.rest(2200);
      while (play.at < play.steps.length) {
        const step = play.steps[play.at];
        const problem = await this.perform(step);
        if (!problem) { play.at += 1; continue; }
        this.tell(step, problem, true);
        this.pause(true);
        play.stuck = true;
        while (play.stuck) { if (play.ended) throw new Ended(); await wait(100); }
        this.pause(false);
      }
      this.tell(play.steps.at(-1), "演完了。");
      await this.answered();
      await this.rest(3500);
      words = `“${play.title}”演完了，可以接着在手机上自己试。`;
    } catch (error) {
      if (!(error instanceof Ended)) words = `没有演成：${error.message}`;
    }
    for (const phone of this.house.phones()) phone.element.classList.remove("acting");
    this.play = null;
    this.drawOffer(words);
  }

  // Who comes newly gets a new name when the name is taken: nobody's half-told story is in the way.
  async cast(play) {
    const { persons } = this.house.state();
    const names = persons.map((one) => one.first_name);
    for (const [name, role] of Object.entries(play.cast)) {
      const known = role === "staff" && persons.find((one) => one.role === role && one.first_name === name);
      let number = 1;
      while (names.includes(number > 1 ? `${name}${number}` : name)) number += 1;
      const made = known || await post("person", { first_name: number > 1 ? `${name}${number}` : name, role });
      play.ids[name] = made.id;
    }
    await this.house.refresh();
    for (const one of this.house.state().persons) play.ids[one.first_name] ??= one.id;
  }

  // Events of the simulated Telegram: what the bot has written since someone last did something.
  heard(events) {
    const { play } = this;
    if (!play) return;
    for (const event of events) {
      const words = event.kind === "edit" || (event.kind === "message" && event.out);
      if (!words && event.kind !== "answer") continue;
      play.heardAt = Date.now();
      if (!words) continue;
      play.said += 1;
      if (!play.fresh.has(event.chat)) play.fresh.set(event.chat, new Map());
      play.fresh.get(event.chat).set(event.message_id, play.said);
    }
  }

  // Until the bot has said what it has to say.
  async answered() {
    const { play } = this;
    const since = play.actedAt || 0;
    let silent = 0;
    while (since) {
      if (play.ended) throw new Ended();
      if (play.once) return;
      const { bot_online: up, pending } = this.house.state();
      if (play.heardAt > since && Date.now() - play.heardAt > QUIET) return;
      silent += up && !pending ? 60 : 0;
      if (silent > SILENT) return;
      if (!up) this.told.textContent = "机器人没有在运行，等它回来再接着演。";
      await wait(60);
    }
  }

  async perform(step) {
    const { play, house } = this;
    const people = step.who.map((name) => house.state().persons.find((one) => one.id === play.ids[name]));
    if (people.some((one) => !one)) return `没有这个人：${step.who.join("、")}`;
    await this.answered();
    if (step.note) { this.tell(step, step.note); await this.rest(900 + 90 * step.note.length); }
    const found = await this.find(step, people.at(-1));
    if (!found) return step.group ? `没有等到“${step.group}群”里的按钮“${step.act.label}”` : `没有等到按钮“${step.act.label}”`;
    const { chat, message } = found;

    const phone = await this.turnTo(people.at(-1), chat);
    this.tell(step, TOLD[step.act.kind](step.act));
    await this.rest(reading(phone));
    const key = message && [...phone.log.querySelectorAll(`.row[data-id="${message}"] .key`)].find((one) => one.innerText.includes(step.act.label));
    if (key) { key.scrollIntoView({ block: "nearest" }); key.classList.add("tapped"); }
    if (step.act.kind === "text") { phone.input.value = step.act.text; phone.grow(); }
    await this.rest(900);
    if (step.act.kind === "text") { phone.input.value = ""; phone.grow(); }
    key?.classList.remove("tapped");
    play.actedAt = Date.now();
    phone.follow = true;
    for (const one of people) {
      const at = play.said;
      const files = step.act.kind === "photo" ? [await picture(step.act.caption)] : [];
      const made = await act({ person: one.id, chat: chat < 0 ? chat : one.id, message, ...step.act }, files);
      play.done = { ...play.done, [`${one.id}:${chat}`]: at };
      if (made.messages.some((m) => m.chat.id === one.id) && chat < 0) await this.turnTo(one, one.id);
    }
    return "";
  }

  // The chat of a step and, for a press, the newest message that carries the button and is younger
  // than what the person did there last. Null when it does not come.
  async find(step, person) {
    const { play, house } = this;
    for (let left = LIMIT; left > 0;) {
      if (play.ended) throw new Ended();
      const group = step.group ? house.state().groups.find((one) => one.title === step.group && !one.migrated_to) : null;
      const chat = step.group ? group?.id : person.id;
      if (chat && step.act.kind !== "pick_button") return { chat };
      if (chat) {
        const posts = await get("messages", { chat, limit: 40 });
        const since = play.done?.[`${person.id}:${chat}`] ?? 0;
        const carries = ({ message, deleted, keyboard }) => !deleted && (play.fresh.get(chat)?.get(message.message_id) ?? 0) > since
          && (message.reply_markup?.inline_keyboard || keyboard?.keyboard || []).flat().some((button) => button.text === step.act.label);
        const post = posts.reverse().find(carries);
        if (post) return { chat, message: post.message.message_id };
      }
      await wait(120);
      if (house.state().bot_online && !play.paused) left -= 120;
    }
    return null;
  }

  async turnTo(person, chat) {
    const phone = this.house.phones().find((one) => one.role === person.role);
    for (const one of this.house.phones()) one.element.classList.toggle("acting", one === phone);
    this.house.show(person.role);
    if (phone.person?.id !== person.id) await phone.become(person.id);
    if (phone.chat !== chat) { await phone.refreshChats(); await phone.open(chat); }
    return phone;
  }
}

const TOLD = {
  text: ({ text }) => `写“${text.length > 40 ? `${text.slice(0, 40)}…` : text}”`,
  pick_button: ({ label }) => `点“${label}”`,
  photo: ({ caption }) => `发一张照片${caption ? `（${caption}）` : ""}`,
  location: () => "在图上选一个位置，发出去",
};

// A picture that plainly is none of anybody's: a sheet with the words on it.
function picture(words) {
  const sheet = h("canvas", { width: 480, height: 320 });
  const pen = sheet.getContext("2d");
  pen.fillStyle = "#cbbb9e";
  pen.fillRect(0, 0, 480, 320);
  pen.fillStyle = "#fdfcf7";
  pen.fillRect(44, 34, 392, 252);
  pen.fillStyle = "#4a4a46";
  pen.textAlign = "center";
  pen.font = "600 34px sans-serif";
  pen.fillText(words, 240, 160, 360);
  pen.font = "20px sans-serif";
  pen.fillText("演示用的照片", 240, 205);
  return new Promise((resolve) => sheet.toBlob((blob) => resolve(new File([blob], "photo.jpg", { type: "image/jpeg" })), "image/jpeg", 0.85));
}

// Milliseconds in which the newest message of the phone can be read through, within bounds.
function reading(phone) {
  const rows = phone.log.querySelectorAll('.row[data-from="them"]');
  const signs = rows.length ? rows[rows.length - 1].innerText.length : 0;
  return Math.min(Math.max(900, signs * 22), 3600);
}
