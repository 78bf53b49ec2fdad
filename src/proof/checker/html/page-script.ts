/**
 * The behaviour of the report page. It reads the JSON in #data and builds everything with textContent and attributes:
 * nothing from a history is ever parsed as markup.
 */
export const PAGE_SCRIPT = `
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const ROW = 26, BAR = 18, LEFT = 90, TOP = 8;
/** Bars are never narrower than this, so that they can be pointed at. */
const BAR_MIN = 6;
/** So many bars are drawn with their text. */
const LABEL_MIN = 42;
let zoom = 1;

function element(parent, name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

/** Every distinct time is as far from the next as the ones around it need: rank, not duration, so that nothing piles up. */
function scaleOf(operations) {
  const times = [...new Set(operations.flatMap(({ call, end }) => (end === null ? [call] : [call, end])))].sort((a, b) => a - b);
  const at = new Map(times.map((time, rank) => [time, rank]));
  const step = Math.max(14, Math.min(34, 1100 / Math.max(1, times.length))) * zoom;
  return { x: (time) => LEFT + (time === null ? times.length : at.get(time)) * step, width: LEFT + (times.length + 1) * step };
}

/** One row a client, more where a client overlaps itself. */
function rowsOf(operations) {
  const clients = new Map();
  for (const operation of operations) {
    const rows = clients.get(operation.process) ?? [];
    clients.set(operation.process, rows);
    let row = rows.findIndex((end) => end !== null && end < operation.call);
    if (row === -1) row = rows.push(null) - 1;
    rows[row] = operation.end;
    operation.row = row;
  }
  const names = [...clients.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const first = new Map();
  let next = 0;
  for (const name of names) {
    first.set(name, next);
    next += clients.get(name).length;
  }
  return { first, count: next, names };
}

function matches(operation, query) {
  return query === "" || operation.text.toLowerCase().includes(query) || ("client " + operation.process).includes(query);
}

function drawChart(partition) {
  const chart = byId("chart");
  const query = byId("search").value.trim().toLowerCase();
  chart.replaceChildren();
  const { operations } = partition;
  const scale = scaleOf(operations);
  const rows = rowsOf(operations);
  const height = TOP * 2 + rows.count * ROW;
  const svg = element(chart, "svg", { width: scale.width, height, role: "img", "aria-label": "Operations over time" });
  for (const name of rows.names) {
    const y = TOP + rows.first.get(name) * ROW;
    element(svg, "line", { class: "lane", x1: 0, x2: scale.width, y1: y - 1, y2: y - 1 });
    const short = name.length > 10 ? name.slice(0, 9) + "…" : name;
    element(svg, "text", { class: "name", x: 4, y: y + BAR - 4 }, short);
  }
  let found = 0;
  operations.forEach((operation, at) => {
    const y = TOP + (rows.first.get(operation.process) + operation.row) * ROW + (ROW - BAR) / 2 - 1;
    const x = scale.x(operation.call);
    const width = Math.max(BAR_MIN, scale.x(operation.end) - x);
    const isMatch = matches(operation, query);
    if (isMatch) found += 1;
    const marks = [operation.kind, partition.rank[at] === null ? "unplaced" : "", partition.core.includes(at) ? "core" : "",
      at === partition.blocked ? "blocked" : "", isMatch ? "" : "missed"];
    const bar = element(svg, "rect", { class: ["bar", ...marks].join(" "), x, y, width, height: BAR, "data-at": at });
    if (operation.end === null) bar.setAttribute("stroke-dasharray", "4 3");
    if (width >= LABEL_MIN && isMatch) {
      const room = Math.floor((width - 8) / 7.3);
      const label = operation.label.length > room ? operation.label.slice(0, Math.max(1, room - 1)) + "…" : operation.label;
      element(svg, "text", { class: "label", x: x + 4, y: y + BAR - 5 }, label);
    }
  });
  byId("found").textContent = query === "" ? "" : found + " of " + operations.length + " match";
}

function drawOrder(partition) {
  const list = byId("order");
  list.replaceChildren();
  const add = (text, at, name) => {
    const item = document.createElement("li");
    item.textContent = text;
    if (name) item.className = name;
    if (at !== null) item.dataset.at = at;
    list.append(item);
  };
  for (const at of partition.order) add(partition.operations[at].text, at, "");
  if (partition.blocked !== null) {
    add("✗ could not come next: " + partition.operations[partition.blocked].text, partition.blocked, "stop");
  }
  byId("state").textContent = "Then the state is: " + partition.state;
}

function draw() {
  const partition = data.partitions[byId("partition").value];
  const isBad = partition.verdict === "violation";
  byId("part-verdict").textContent = partition.verdict;
  byId("part-verdict").className = "verdict " + partition.verdict;
  byId("part-facts").textContent = partition.facts;
  byId("why").hidden = partition.explanation === null;
  byId("explanation").textContent = partition.explanation ?? "";
  byId("order-title").textContent = isBad || partition.verdict === "unknown"
    ? "The longest order that explains the answers (" + partition.order.length + " of " + partition.operations.length + ")"
    : "An order that explains all answers";
  drawChart(partition);
  drawOrder(partition);
}

/** Moves the chart only, never the page. */
function scrollTo(at) {
  const chart = byId("chart");
  const bar = chart.querySelector('[data-at="' + at + '"]');
  if (bar === null) return;
  chart.scrollTo(bar.x.baseVal.value - chart.clientWidth / 2, bar.y.baseVal.value - chart.clientHeight / 2);
}

function showTip(event) {
  const tip = byId("tip");
  const at = event.target.dataset ? event.target.dataset.at : undefined;
  if (at === undefined || event.target.tagName !== "rect") {
    tip.style.display = "none";
    return;
  }
  const partition = data.partitions[byId("partition").value];
  const operation = partition.operations[at];
  const rank = partition.rank[at];
  const place = rank === null ? "has no place in the order" : "number " + (rank + 1) + " in the order";
  const mark = Number(at) === partition.blocked ? "\\ncould not come next" : "";
  tip.textContent = operation.text + "\\n" + operation.times + "\\n" + place + mark + operation.more;
  tip.style.display = "block";
  tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
  tip.style.top = Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8) + "px";
}

data.partitions.forEach((partition, number) => {
  const option = document.createElement("option");
  option.value = number;
  option.textContent = partition.name + ": " + partition.verdict + ", " + partition.operations.length + " operations";
  byId("partition").append(option);
});
byId("partition").value = Math.max(0, data.partitions.findIndex(({ verdict }) => verdict === "violation"));
byId("partition").addEventListener("change", () => { draw(); focusBlocked(); });
byId("search").addEventListener("input", draw);
byId("wider").addEventListener("click", () => { zoom *= 1.5; draw(); });
byId("narrower").addEventListener("click", () => { zoom /= 1.5; draw(); });
byId("chart").addEventListener("mousemove", showTip);
byId("chart").addEventListener("mouseleave", showTip);
byId("order").addEventListener("click", (event) => { if (event.target.dataset.at) scrollTo(event.target.dataset.at); });
function focusBlocked() {
  const { blocked, core } = data.partitions[byId("partition").value];
  if (blocked !== null || core.length > 0) scrollTo(core[0] ?? blocked);
}
if (data.partitions.length > 0) {
  draw();
  focusBlocked();
} else {
  byId("chart").textContent = "The history holds nothing to judge.";
}
`;
