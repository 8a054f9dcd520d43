// The rank page's one script. The page is complete without it: it only sorts and searches tables,
// and shows under a map what its tooltips say, for there is no hovering on a phone. It adds its own
// controls, so that none is there that does nothing.
#include "report/rank_view.h"

namespace cupel::report {

std::string_view rank_page_script() {
  return R"js(
'use strict';
const numberIn = (cell) => Number.parseFloat(
  cell.textContent.replaceAll('\u2212', '-').replace(/[<>,+]/g, ''));
const textIn = (cell) => cell.textContent.trim();
const collator = new Intl.Collator('en', { numeric: true });

// Cells without a number come last, whichever way the column is sorted.
function compare(a, b, sign) {
  if (typeof a === 'string') return sign * collator.compare(a, b);
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return sign * (a - b);
}

function sortBy(table, head) {
  const isNumber = head.dataset.sort === 'number';
  const first = isNumber && !head.classList.contains('rank') ? 'descending' : 'ascending';
  const other = first === 'ascending' ? 'descending' : 'ascending';
  const order = head.getAttribute('aria-sort') === first ? other : first;
  const sign = order === 'ascending' ? 1 : -1;
  const keyOf = isNumber ? numberIn : textIn;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => ({ row, key: keyOf(row.cells[head.cellIndex]) }));
  rows.sort((a, b) => compare(a.key, b.key, sign));
  const sorted = document.createDocumentFragment();
  for (const { row } of rows) sorted.append(row);
  body.append(sorted);
  for (const cell of table.tHead.querySelectorAll('[aria-sort]')) cell.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', order);
}

for (const table of document.querySelectorAll('table.sortable')) {
  for (const head of table.tHead.querySelectorAll('[data-sort]')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    button.addEventListener('click', () => sortBy(table, head));
    head.append(button);
  }
}

const worthSearching = 20;
for (const table of document.querySelectorAll('table.ranks')) {
  const rows = Array.from(table.tBodies[0].rows);
  if (rows.length <= worthSearching) continue;
  const names = new Map(rows.map((row) => [row, row.querySelector('th').textContent.toLowerCase()]));
  const label = document.createElement('label');
  const input = document.createElement('input');
  const found = document.createElement('output');
  label.className = 'find';
  input.type = 'search';
  input.autocomplete = 'off';
  label.append('Find a model ', input, found);
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const [row, name] of names) {
      row.hidden = !name.includes(wanted);
      shown += row.hidden ? 0 : 1;
    }
    found.textContent = wanted === '' ? '' : `${shown} of ${rows.length} models`;
  });
  table.parentElement.before(label);
}

for (const map of document.querySelectorAll('.heat')) {
  const readout = document.createElement('p');
  readout.className = 'readout';
  readout.setAttribute('aria-hidden', 'true'); // the table below says the same to everybody
  readout.textContent = 'Point at a cell, or tap it, to read it in words.';
  const read = (event) => {
    const note = event.target.closest('g')?.querySelector('title');
    if (note) readout.textContent = note.textContent;
  };
  map.addEventListener('pointerover', read);
  map.addEventListener('click', read);
  map.parentElement.after(readout);
}
)js";
}

}  // namespace cupel::report
