"use strict";
// The page is complete without this: it adds the download, sorting, filtering and following a map.
const download = document.getElementById("download");
download.hidden = false;
download.addEventListener("click", () => {
  const link = document.createElement("a");
  const text = document.getElementById("data").textContent;
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "results.json";
  link.click();
  URL.revokeObjectURL(link.href);
});

// On paper nothing can be opened.
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not([open])")) {
    part.open = true;
    addEventListener("afterprint", () => { part.open = false; }, { once: true });
  }
});

const table = document.getElementById("cells");
if (table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const value = (row, column) => row.cells[column].dataset.v ?? row.cells[column].textContent;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sign = down ? -1 : 1;
      rows.sort((a, b) => {
        const [x, y] = [value(a, column), value(b, column)];
        const numbers = x !== "" && y !== "" && Number.isFinite(+x) && Number.isFinite(+y);
        return sign * (numbers ? x - y : x.localeCompare(y));
      });
      body.append(...rows);
    });
  });
  const filter = document.getElementById("filter");
  filter.parentElement.hidden = false;
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
}

const follow = (id) => {
  document.body.classList.toggle("follow", id !== null);
  for (const part of document.querySelectorAll(".c[data-c]")) {
    part.classList.toggle("followed", part.dataset.c === id);
  }
};
for (const part of document.querySelectorAll(".c[data-c]")) {
  part.addEventListener("pointerenter", () => follow(part.dataset.c));
  part.addEventListener("pointerleave", () => follow(null));
}
