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

// Of a line's points, in units of the plot.
function corners(line) {
  const points = line.querySelector('polyline').getAttribute('points').split(' ').map((point) => point.split(',').map(Number));
  return { places: points.map(([x]) => x), heights: points.map(([, y]) => y) };
}

// The lines of a figure as they are shown now: of the scale and the smoothing that are chosen.
function shownLines(figure) {
  const scale = Array.from(figure.querySelectorAll('.fig > g')).find(isShown);
  return Array.from(scale.querySelectorAll('.line')).filter(isShown).map((line) => ({
    name: line.dataset.name,
    raw: line.classList.contains('raw'),
    plot: line.parentNode,
    steps: numbers(line.dataset.x),
    values: line.dataset.y.split(' '),
    ...corners(line),
  }));
}

// What is read out of the lines at a place, and the points that are meant.
function describe(lines, place) {
  const lead = lines.reduce((a, b) => (b.places.length > a.places.length ? b : a));
  const at = nearest(lead.places, place);
  // Smoothed lines stand for their steps, whose value follows; the lead is drawn last and read first.
  const shown = lines.filter((line) => !line.raw || !lines.some((other) => !other.raw && other.name === line.name));
  const indexIn = (line) => nearest(line.places, lead.places[at]);
  const parts = shown.reverse().map((line) => {
    const step = line.raw ? undefined : lines.find((other) => other.raw && other.name === line.name);
    // What was measured at another step says at which.
    const elsewhere = line.steps[indexIn(line)] !== lead.steps[at];
    const more = step ? ` (raw ${minus(step.values[indexIn(step)])})`
      : elsewhere ? ` (step ${line.steps[indexIn(line)].toLocaleString('en')})` : '';
    return `${line.name} ${minus(line.values[indexIn(line)])}${more}`;
  });
  const dots = shown.map((line) => `M${line.places[indexIn(line)]},${line.heights[indexIn(line)]}h0`).join('');
  return { at, lead, dots, parts: [`step ${lead.steps[at].toLocaleString('en')}:`, ...parts] };
}

function drawnCross(at, dots) {
  const cross = document.createElementNS(svgName, 'g');
  const line = document.createElementNS(svgName, 'line');
  const path = document.createElementNS(svgName, 'path');
  cross.setAttribute('class', 'cross');
  line.setAttribute('x1', at);
  line.setAttribute('x2', at);
  line.setAttribute('y2', '180');
  path.setAttribute('d', dots);
  cross.append(line, path);
  return cross;
}

const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity };

// A line under the figure: the last values or, while there is a cross, those at it.
class Readout {
  constructor(figure) {
    this.figure = figure;
    this.cross = null;
    this.current = null;
    this.output = document.createElement('output');
    this.output.className = 'readout';
    this.figure.querySelector('svg').after(this.output);
    this.hide();
  }

  show(place, live) {
    this.draw(place, live);
    this.cross = drawnCross(this.current.lead.places[this.current.at], this.current.dots);
    this.current.lead.plot.append(this.cross);
  }

  hide() {
    this.draw(viewWidth, 'off');
  }

  draw(place, live) {
    this.cross?.remove();
    this.cross = null;
    this.current = describe(shownLines(this.figure), place);
    this.output.setAttribute('aria-live', live);
    // Each part stays on one line where it can.
    this.output.replaceChildren(...this.current.parts.flatMap((part, i) => {
      const span = document.createElement('span');
      span.textContent = part;
      return i === 0 ? [span] : [i === 1 ? ' ' : ' \u00b7 ', span];
    }));
  }

  // Other lines are shown now.
  refresh() {
    if (this.cross === null) this.hide(); else this.show(this.current.lead.places[this.current.at], 'off');
  }

  move(key) {
    const places = this.current.lead.places;
    const last = places.length - 1;
    const first = ['ArrowLeft', 'PageUp', 'End'].includes(key) ? last : 0;
    const next = Math.min(last, Math.max(0, this.current.at + moves[key]));
    this.show(places[this.cross === null ? first : next], 'polite');
  }
}

const readouts = Array.from(document.querySelectorAll('.charts figure'), (figure) => {
  const readout = new Readout(figure);
  const svg = figure.querySelector('svg');
  const point = (event) => {
    const box = svg.getBoundingClientRect();
    readout.show((event.clientX - box.left) / box.width * viewWidth, 'off');
  };
  svg.addEventListener('pointerdown', point);
  svg.addEventListener('pointermove', point);
  svg.addEventListener('pointerleave', (event) => { if (event.pointerType === 'mouse') readout.hide(); });

  figure.tabIndex = 0;
  figure.setAttribute('aria-describedby', 'curves-keys');
  figure.addEventListener('blur', () => readout.hide());
  figure.addEventListener('keydown', (event) => {
    if (event.target !== figure) return;
    if (event.key === 'Escape') readout.hide();
    if (!(event.key in moves)) return;
    event.preventDefault();
    readout.move(event.key);
  });
  return readout;
});
for (const choice of document.querySelectorAll('.choices input')) {
  choice.addEventListener('change', () => readouts.forEach((readout) => readout.refresh()));
}
if (readouts.length > 0) {
  const keys = document.createElement('p');
  keys.className = 'hint';
  keys.id = 'curves-keys';
  keys.textContent = 'Point at a chart, or press arrow keys in it, to read its values at a step.';
  document.querySelector('.charts').before(keys);
}
)js";
}

}  // namespace cupel::report
