// A map drawn from a list of named places: each gets the ground that is nearest to it.
import { h, svg } from "./dom.js";

const KM = 1 / 111.32; // degrees of latitude

function project(places) {
  const lat0 = places.reduce((sum, p) => sum + p.lat, 0) / places.length;
  const squeeze = Math.cos((lat0 * Math.PI) / 180);
  return {
    to: (lat, lon) => [lon * squeeze / KM, -lat / KM],
    from: (x, y) => ({ lat: -y * KM, lon: (x * KM) / squeeze }),
  };
}

// The part of a polygon that lies nearer to a than to b.
function clip(polygon, a, b) {
  const mid = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const side = (p) => (p[0] - mid[0]) * (b[0] - a[0]) + (p[1] - mid[1]) * (b[1] - a[1]);
  const kept = [];
  polygon.forEach((p, i) => {
    const q = polygon[(i + 1) % polygon.length];
    const [sp, sq] = [side(p), side(q)];
    if (sp <= 0) kept.push(p);
    if (sp * sq < 0) {
      const t = sp / (sp - sq);
      kept.push([p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])]);
    }
  });
  return kept;
}

export function cells(places) {
  const { to, from } = project(places);
  const dots = places.map((p) => to(p.lat, p.lon));
  const shapes = dots.map((dot, i) => {
    // No ground reaches further than 7 km from its centre: the outline stays land-like.
    const round = Array.from({ length: 20 }, (_, k) => {
      const turn = (k / 20) * 2 * Math.PI;
      return [dot[0] + 7 * Math.cos(turn), dot[1] + 7 * Math.sin(turn)];
    });
    return dots.reduce((shape, other, j) => (i === j || !shape.length ? shape : clip(shape, dot, other)), round);
  });
  return { dots, shapes, to, from };
}

export const nearest = (places, drawn, x, y) => places.reduce((best, place, i) => {
  const far = Math.hypot(drawn.dots[i][0] - x, drawn.dots[i][1] - y);
  return far < best.far ? { place, far, i } : best;
}, { far: Infinity });

const path = (shape) => shape.map((p, i) => `${i ? "L" : "M"}${p[0].toFixed(2)} ${p[1].toFixed(2)}`).join("") + "Z";
// Four-odd colours, picked so that near neighbours in the list seldom share one.
const colour = (i) => `cell c${(i * 3 + Math.floor(i / 5)) % 5}`;

// A small still map with a pin, for a location message.
export function stamp(places, lat, lon) {
  if (!places.length) return "";
  const drawn = cells(places);
  const [x, y] = drawn.to(lat, lon);
  const view = svg("svg", { viewBox: `${x - 6} ${y - 3} 12 6`, preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" });
  drawn.shapes.forEach((shape, i) => {
    if (Math.hypot(drawn.dots[i][0] - x, drawn.dots[i][1] - y) < 16) view.append(svg("path", { d: path(shape), class: colour(i) }));
  });
  view.append(pinAt(x, y, 0.16));
  return view;
}

function pinAt(x, y, unit) {
  return svg("g", { transform: `translate(${x} ${y}) scale(${unit})` },
    svg("path", { class: "pin", d: "M0 0C-3-5-5-6-5-9.5a5 5 0 0 1 10 0C5-6 3-5 0 0Z", "vector-effect": "non-scaling-stroke" }));
}

// The picker: drag or arrow keys move the map and pin, a list serves those who see no map.
export function picker(places, change) {
  const drawn = cells(places);
  const xs = drawn.dots.map((d) => d[0]);
  const ys = drawn.dots.map((d) => d[1]);
  const size = [Math.max(...xs) - Math.min(...xs) + 15, Math.max(...ys) - Math.min(...ys) + 15];
  const middle = { x: (Math.min(...xs) + Math.max(...xs)) / 2, y: (Math.min(...ys) + Math.max(...ys)) / 2 };
  const shape = () => { const box = board.getBoundingClientRect(); return box.width ? box.height / box.width : 0.6; };
  const most = () => Math.max(size[0], size[1] / shape());
  let view = null;
  let pin = null;
  const layer = svg("g");
  const names = svg("g");
  const mark = svg("g");
  const board = svg("svg", { class: "map", role: "application", tabindex: "0", "aria-label": "浦东街镇示意图。点一下放图钉；方向键移动图钉，加减号缩放。" }, layer, names, mark);
  const paths = drawn.shapes.map((shape, i) => {
    const made = svg("path", { d: path(shape), class: colour(i) });
    layer.append(made);
    return made;
  });
  const where = h("p", { class: "where", role: "status" }, "在图上点一下要发送的位置。");
  const list = h("select", { "aria-label": "或者直接选街镇", onchange: () => {
    const i = Number(list.value);
    if (list.value !== "") { put(...drawn.dots[i]); view = { x: drawn.dots[i][0], y: drawn.dots[i][1], w: 12 }; draw(); }
  } }, h("option", { value: "" }, "或者直接选街镇…"),
  places.map((p, i) => [p, i]).sort((a, b) => a[0].name.localeCompare(b[0].name, "zh-CN")).map(([p, i]) => h("option", { value: String(i) }, p.name)));

  function put(x, y) {
    pin = [x, y];
    const { place, i } = nearest(places, drawn, x, y);
    paths.forEach((made, k) => made.classList.toggle("on", k === i));
    layer.append(paths[i]);
    const point = drawn.from(x, y);
    where.textContent = `图钉在 ${place.name} 附近（${point.lat.toFixed(4)}, ${point.lon.toFixed(4)}）`;
    change(point);
    draw();
  }
  function draw() {
    const { width } = board.getBoundingClientRect();
    if (!width) return;
    view ||= { ...middle, w: most() };
    const unit = view.w / width;
    const tall = view.w * shape();
    board.setAttribute("viewBox", `${view.x - view.w / 2} ${view.y - tall / 2} ${view.w} ${tall}`);
    names.replaceChildren();
    const taken = [];
    places.forEach((place, i) => {
      const [x, y] = drawn.dots[i];
      const wide = place.name.length * 13 * unit;
      const box = [x - wide / 2, y - 8 * unit, x + wide / 2, y + 8 * unit];
      if (taken.some((t) => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3])) return;
      taken.push(box);
      const label = svg("text", { class: "label", transform: `translate(${x} ${y}) scale(${unit})`, dy: "4" });
      label.textContent = place.name;
      names.append(label);
    });
    mark.replaceChildren(...(pin ? [pinAt(pin[0], pin[1], unit * 2.4)] : []));
  }
  const at = (event) => {
    const box = board.getBoundingClientRect();
    const unit = view.w / box.width;
    return [view.x + (event.clientX - box.left - box.width / 2) * unit, view.y + (event.clientY - box.top - box.height / 2) * unit];
  };
  const zoom = (by, [x, y] = pin || [view.x, view.y]) => {
    const w = Math.min(Math.max(view.w * by, 2), most());
    const kept = w / view.w;
    view = { x: x + (view.x - x) * kept, y: y + (view.y - y) * kept, w };
    draw();
  };
  let drag = null;
  board.addEventListener("pointerdown", (e) => { drag = { x: e.clientX, y: e.clientY, view: { ...view }, far: 0 }; board.setPointerCapture(e.pointerId); });
  board.addEventListener("pointermove", (e) => {
    if (!drag) return;
    const unit = view.w / board.getBoundingClientRect().width;
    drag.far = Math.max(drag.far, Math.hypot(e.clientX - drag.x, e.clientY - drag.y));
    if (drag.far > 5) { view = { ...view, x: drag.view.x - (e.clientX - drag.x) * unit, y: drag.view.y - (e.clientY - drag.y) * unit }; draw(); }
  });
  board.addEventListener("pointerup", (e) => { if (drag && drag.far <= 5) put(...at(e)); drag = null; });
  board.addEventListener("wheel", (e) => { e.preventDefault(); zoom(e.deltaY > 0 ? 1.2 : 1 / 1.2, at(e)); }, { passive: false });
  board.addEventListener("keydown", (e) => {
    const step = view.w / 40;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const [x, y] = pin || [view.x, view.y];
    if (moves[e.key]) { e.preventDefault(); put(x + moves[e.key][0], y + moves[e.key][1]); }
    if (e.key === "+" || e.key === "=") zoom(1 / 1.5);
    if (e.key === "-") zoom(1.5);
  });
  new ResizeObserver(draw).observe(board);
  return [
    list,
    h("div", { class: "map-wrap" }, board, h("div", { class: "zoom" },
      h("button", { type: "button", "aria-label": "放大", onclick: () => zoom(1 / 1.6) }, "＋"),
      h("button", { type: "button", "aria-label": "缩小", onclick: () => zoom(1.6) }, "－"))),
    where,
  ];
}
