"use strict";

// Tables: a click on a heading sorts, best first; a second one turns the order.
function sortBy(head) {
  const table = head.closest("table");
  const body = table.tBodies[0];
  const column = head.dataset.column;
  const before = head.getAttribute("aria-sort");
  const turned = head.dataset.first === "descending" ? "ascending" : "descending";
  const order = before === head.dataset.first ? turned : head.dataset.first;
  for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const value = (row) => {
    const text = row.querySelector(`[data-column="${column}"]`).dataset.value;
    return text === undefined ? null : Number(text);
  };
  const rows = [...body.rows].map((row) => [value(row), row]);
  rows.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (a - b);
  });
  body.append(...rows.map(([, row]) => row));
}

// Filters: rows by origin, columns by metric and protocol, tables by dataset.
function filterTables(form) {
  const wanted = new FormData(form);
  const dataset = wanted.get("dataset");
  const family = wanted.get("family");
  const protocol = wanted.get("protocol");
  const origins = new Set(wanted.getAll("origin"));
  const suits = (head) => {
    const { family: own, protocol: ownProtocol } = head.dataset;
    const main = "main" in head.dataset || protocol !== "";
    const ofFamily = family === "" || (family === "main" ? main : family === own);
    return ofFamily && (protocol === "" || protocol === ownProtocol);
  };
  let tables = 0;
  let rows = 0;
  for (const section of document.querySelectorAll(".dataset")) {
    let there = false;
    for (const board of section.querySelectorAll(".board")) {
      let columns = 0;
      for (const head of board.querySelectorAll("thead [data-column]")) {
        const shown = suits(head);
        columns += shown;
        const cells = board.querySelectorAll(`[data-column="${head.dataset.column}"]`);
        for (const cell of cells) cell.hidden = !shown;
      }
      let lines = 0;
      for (const row of board.querySelectorAll("tbody tr")) {
        row.hidden = !origins.has(row.dataset.origin);
        lines += !row.hidden;
      }
      board.hidden = !columns || !lines || (dataset !== "" && dataset !== section.dataset.dataset);
      if (!board.hidden) {
        there = true;
        tables += 1;
        rows += lines;
      }
    }
    section.hidden = !there;
  }
  const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  document.getElementById("shown").textContent = `${plural(rows, "row")} in ${plural(tables, "table")}`;
  document.getElementById("nothing").hidden = tables > 0;
}

function startTables() {
  for (const button of document.querySelectorAll("thead button")) {
    button.addEventListener("click", () => sortBy(button.closest("th")));
  }
  const form = document.getElementById("filters");
  if (!form) return;
  form.hidden = false;
  form.addEventListener("change", () => filterTables(form));
  form.addEventListener("reset", () => setTimeout(() => filterTables(form)));
  form.addEventListener("submit", (event) => event.preventDefault());
  filterTables(form);
}

// Two images of a pair over each other, with a slider between them.
function startComparison() {
  const stage = document.getElementById("stage");
  if (!stage) return;
  const pairs = JSON.parse(document.getElementById("pairs").textContent);
  const slider = document.getElementById("slider");
  const pair = document.getElementById("pair");
  const caption = document.getElementById("caption");
  const sides = { left: document.getElementById("left"), right: document.getElementById("right") };

  const cut = () => {
    stage.style.setProperty("--cut", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${slider.value} percent left`);
  };
  const show = () => {
    const { caption: text, images } = pairs[pair.value];
    const names = {};
    for (const [side, choice] of Object.entries(sides)) {
      for (const option of choice.options) option.disabled = !(option.value in images);
      if (!(choice.value in images)) choice.value = Object.keys(images)[0];
      names[side] = choice.selectedOptions[0].textContent;
      const image = document.getElementById(`image-${side}`);
      image.src = images[choice.value];
      image.alt = `${names[side]}, ${text}`;
    }
    for (const item of document.querySelectorAll("#all li")) {
      const key = item.dataset.image;
      const image = item.querySelector("img");
      item.hidden = !(key in images);
      if (item.hidden) continue;
      image.src = images[key];
      image.alt = `${item.textContent.trim()}, ${text}`;
    }
    caption.textContent = `${names.left} on the left, ${names.right} on the right; ${text}`;
  };
  const step = (by) => {
    const count = pair.options.length;
    pair.selectedIndex = (pair.selectedIndex + by + count) % count;
    show();
  };
  const drag = (event) => {
    const box = stage.getBoundingClientRect();
    slider.value = Math.round((100 * (event.clientX - box.left)) / box.width);
    cut();
  };

  slider.addEventListener("input", cut);
  for (const choice of [pair, sides.left, sides.right]) choice.addEventListener("change", show);
  document.getElementById("previous").addEventListener("click", () => step(-1));
  document.getElementById("next").addEventListener("click", () => step(1));
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    drag(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (stage.hasPointerCapture(event.pointerId)) drag(event);
  });
  const fromAddress = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    if (asked.get("pair") in pairs) pair.value = asked.get("pair");
    if (asked.get("left") in pairs[pair.value].images) sides.left.value = asked.get("left");
    show();
  };
  addEventListener("hashchange", fromAddress);
  cut();
  fromAddress();
}

startTables();
startComparison();
