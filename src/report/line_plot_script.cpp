// The one script of pages with lines. They are complete without it: a table stands under each
// figure. It reads values out where the pointer or, by arrow keys, the crosshair is.
#include "report/figures_lines.h"

namespace cupel::report {

std::string_view line_plot_script() {
  return R"js(
'use strict';
const viewWidth = 1000;
const svgName = 'http://www.w3.org/2000/svg';
const numbers = (text) => text.split(' ').map(Number);
const minus = (text) => text.replaceAll('-', '\u2212');

function nearest(sorted, wanted) {
  let low = 0;
  let high = sorted.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < wanted) low = middle; else high = middle;
  }
  return wanted - sorted[low] <= sorted[high] - wanted ? low : high;
}

const isShown = (element) => getComputedStyle(element).display !== 'none';

// The lines of a figure as they are shown now: of the scale and the smoothing that are chosen.
function shownLines(figure) {
  const scale = Array.from(figure.querySelectorAll('.fig > g')).find(isShown);
  return Array.from(scale.querySelectorAll('.line')).filter(isShown).map((line) => ({
    name: line.dataset.name,
    raw: line.classList.contains('raw'),
    plot: line.parentNode,
    steps: numbers(line.dataset.x),
    values: line.dataset.y.split(' '),
    places: numbers(line.querySelector('polyline').getAttribute('points').replaceAll(/,\S+/g, '')),
  }));
}

function describe(lines, place) {
  const lead = lines.reduce((a, b) => (b.places.length > a.places.length ? b : a));
  const at = nearest(lead.places, place);
  const valueOf = (line) => minus(line.values[nearest(line.places, lead.places[at])]);
  // Smoothed lines stand for their steps, whose value follows; the lead is drawn last and read first.
  const shown = lines.filter((line) => !line.raw || !lines.some((other) => !other.raw && other.name === line.name));
  const parts = shown.reverse().map((line) => {
    const step = line.raw ? undefined : lines.find((other) => other.raw && other.name === line.name);
    const here = nearest(line.places, lead.places[at]);
    // What was measured now and then says when.
    const rare = line.places.length * 4 < lead.places.length;
    const more = step ? ` (that step ${valueOf(step)})` : rare ? ` (step ${line.steps[here].toLocaleString('en')})` : '';
    return `${line.name} ${valueOf(line)}${more}`;
  });
  return { at, lead, text: `step ${lead.steps[at].toLocaleString('en')}: ${parts.join(' \u00b7 ')}` };
}

for (const figure of document.querySelectorAll('.charts figure')) {
  const readout = document.createElement('output');
  readout.className = 'readout';
  readout.setAttribute('aria-live', 'off');
  figure.querySelector('svg').after(readout);
  const cross = document.createElementNS(svgName, 'line');
  cross.setAttribute('class', 'cross');
  cross.setAttribute('y1', '0');
  cross.setAttribute('y2', '180');
  let current = null;

  const show = (place) => {
    const lines = shownLines(figure);
    if (lines.length === 0) return;
    current = describe(lines, place);
    readout.textContent = current.text;
    cross.setAttribute('x1', current.lead.places[current.at]);
    cross.setAttribute('x2', current.lead.places[current.at]);
    lines[0].plot.append(cross);
  };
  const hide = () => {
    cross.remove();
    readout.textContent = '';
    current = null;
  };

  const svg = figure.querySelector('svg');
  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect();
    readout.setAttribute('aria-live', 'off');
    show((event.clientX - box.left) / box.width * viewWidth);
  });
  svg.addEventListener('pointerleave', (event) => { if (event.pointerType === 'mouse') hide(); });

  figure.tabIndex = 0;
  figure.addEventListener('keydown', (event) => {
    if (event.target !== figure) return;
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity };
    if (event.key === 'Escape') hide();
    if (!(event.key in moves)) return;
    event.preventDefault();
    if (current === null) show(event.key === 'ArrowLeft' ? viewWidth : 0);
    const places = current.lead.places;
    const at = Math.min(places.length - 1, Math.max(0, current.at + moves[event.key]));
    readout.setAttribute('aria-live', 'polite');
    show(places[at]);
  });
}
)js";
}

}  // namespace cupel::report
