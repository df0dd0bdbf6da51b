// What stands in a message: its text, pictures, files, places; and what a service message says.
import { h, icon, rich, sizeOf } from "./dom.js";
import { stamp } from "./map.js";
import { fileUrl } from "./net.js";

const KINDS = { photo: "照片", document: "文件", video: "视频", voice: "语音", audio: "音频", video_note: "视频", sticker: "贴纸", location: "位置", venue: "地点", contact: "名片" };

export function gist(message) {
  if (message.text || message.caption) return message.text || message.caption;
  const kind = Object.keys(KINDS).find((name) => name in message);
  return kind ? `[${KINDS[kind]}]` : "消息";
}

// An album is one thing to look at: its messages stand under the first.
export function together(posts) {
  const shown = [];
  for (const post of posts) {
    const group = post.message.media_group_id;
    const last = shown.at(-1);
    if (group && last?.message.media_group_id === group) shown[shown.length - 1] = { ...last, edited: last.edited || post.edited, more: [...(last.more || []), post.message] };
    else shown.push(post);
  }
  return shown;
}

// The content of one message, or of an album. `how` has places, open(url) and command(text).
export function contents(messages, how) {
  const files = messages.map((message) => attached(message, how.places)).filter(Boolean);
  const album = files.length > 1 ? [h("div", { class: `album${messages[0].photo ? "" : " files"}` }, files)] : files;
  return [...album, ...messages.map((message) => written(message, how)).filter(Boolean)];
}

function written(message, { open, command }) {
  const words = message.text ?? message.caption;
  return words ? h("span", { class: "text" }, rich(words, message.entities || message.caption_entities, { open, command })) : null;
}

function attached(message, places) {
  if (message.photo) return h("img", { class: "picture", src: fileUrl(message.photo.at(-1).file_id), alt: "照片", loading: "lazy" });
  if (message.sticker) return h("img", { class: "picture", src: fileUrl(message.sticker.file_id), alt: `贴纸 ${message.sticker.emoji || ""}` });
  const sound = message.voice || message.audio;
  if (sound) return h("audio", { controls: true, preload: "none", src: fileUrl(sound.file_id), "aria-label": "语音" });
  if (message.location) {
    const { latitude, longitude } = message.location;
    const [name, below] = message.venue ? [message.venue.title, message.venue.address] : ["位置", `${latitude.toFixed(4)}, ${longitude.toFixed(4)}`];
    return h("div", { class: "place" }, stamp(places, latitude, longitude), h("b", {}, name), h("small", {}, below));
  }
  if (message.contact) return listed("card", message.contact.first_name, message.contact.phone_number);
  const kind = ["document", "video", "video_note"].find((name) => message[name]);
  if (!kind) return null;
  const file = message[kind];
  return listed(kind === "document" ? "sheet" : "film", file.file_name || KINDS[kind], sizeOf(file.file_size), { href: fileUrl(file.file_id), download: file.file_name || "" });
}

function listed(glyph, name, below, link = null) {
  return h(link ? "a" : "div", { class: "attached", ...link }, h("span", { class: "glyph", "aria-hidden": "true" }, icon(glyph)), h("span", {}, name, h("small", {}, below)));
}

// What a message says that nobody wrote; "" for any other.
export function service(message) {
  const who = message.from.first_name;
  if (message.new_chat_members) return `${who} 把 ${message.new_chat_members.map((m) => m.first_name).join("、")} 加进了群`;
  if (message.left_chat_member) return `${message.left_chat_member.first_name} 离开了群`;
  if (message.migrate_to_chat_id || message.migrate_from_chat_id) return "这个群升级成了超级群";
  return "";
}
