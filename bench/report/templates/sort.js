// Tables that can be sorted: every <table class="sortable">. Without this script they are tables all the same.
//
// A click on the head of a column sorts the rows of each <tbody> among themselves; the next reverses them; a third puts
// them back as they were written. The first row of a <tbody> stays first if its class is "group"; what is in <tfoot>
// stays where it is. A column in which any cell has data-value is one of numbers: cells without it come last, in either
// order. Any other column is one of words.
"use strict";
(() => {
  const NEXT = { none: "ascending", ascending: "descending", descending: "none" };
  const words = new Intl.Collator("en", { numeric: true });

  const number = (cell) => parseFloat(cell?.dataset.value);
  const large = (cell) => [...(cell?.childNodes ?? [])].filter((node) => node.nodeName !== "SMALL"); // no small print
  const text = (cell) => large(cell).map((node) => node.textContent).join("").trim();

  /** The rows of a body that may change places, in the order of the page. */
  function movable(body) {
    return [...body.rows].filter((row) => row !== body.rows[0] || !row.classList.contains("group"));
  }

  /** The same rows by the cells of a column; equal ones keep their order, those without a number come last. */
  function sorted(rows, column, direction, numeric) {
    const by = (row) => row.cells[column];
    if (!numeric) return [...rows].sort((one, other) => direction * words.compare(text(by(one)), text(by(other))));
    const known = rows.filter((row) => !Number.isNaN(number(by(row))));
    const unknown = rows.filter((row) => Number.isNaN(number(by(row))));
    return [...known.sort((one, other) => direction * (number(by(one)) - number(by(other)))), ...unknown];
  }

  function sortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    const bodies = [...table.tBodies].map((body) => ({ body, written: movable(body) }));

    function sort(column) {
      const order = NEXT[heads[column].getAttribute("aria-sort") ?? "none"];
      for (const head of heads) head.removeAttribute("aria-sort");
      if (order !== "none") heads[column].setAttribute("aria-sort", order);
      const numeric = bodies.some(({ written }) => written.some((row) => row.cells[column]?.dataset.value));
      for (const { body, written } of bodies) {
        const direction = order === "ascending" ? 1 : -1;
        body.append(...(order === "none" ? written : sorted(written, column, direction, numeric)));
      }
    }

    heads.forEach((head, column) => {
      if (!text(head)) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(column));
      head.append(button);
    });
  }

  document.querySelectorAll("table.sortable").forEach(sortable);
})();
