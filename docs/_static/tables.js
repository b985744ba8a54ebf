// On a narrow screen the rows of wide tables become blocks (house.css); each cell then says what column it is from.
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll(".bd-article table")) {
    const heads = [...table.querySelectorAll("thead th")].map(cell => cell.textContent.trim());
    if (heads.length < 3) continue;
    table.classList.add("stacked");
    for (const row of table.querySelectorAll("tbody tr"))
      [...row.cells].forEach((cell, k) => { cell.dataset.label = heads[k] || ""; });
  }
});
