// The look of the rank page's own parts.
#include <string>

#include "report/figures_calibration.h"
#include "report/figures_heatmap.h"
#include "report/figures_ring.h"
#include "report/page_parts.h"
#include "report/rank_view.h"

namespace cupel::report {
namespace {

// The column of models stays in view when the table is wider than its box. Tables of hundreds of
// rows scroll upright in a box of their own, under a head that stays.
constexpr std::string_view kRanks = R"css(
.ranks td,.ranks th{padding-block:.4rem}
.ranks thead th{padding-block:.6rem .4rem}
.ranks .rank{width:4.2rem;text-align:end;white-space:nowrap}
.ranks tbody .rank{font-weight:600}
.ranks .rating b{font-size:1.05rem}
.ranks .rating small{white-space:nowrap}
.ranks .plot{min-width:12rem;width:32%}
.ranks tbody .model{min-width:11rem;width:24%}
.ranks thead tr:first-child>.rank{position:static}
.ranks thead tr:first-child>.model{position:sticky;inset-inline-start:0;background:inherit}
.provisional>*{color:var(--soft)}
.provisional .name,.provisional .rating b{font-weight:500}
.tall{max-height:min(82vh,60rem);overflow:auto}
.tall thead tr:first-child>*{position:sticky!important;top:0;z-index:1;background:var(--card)}
.tall thead tr:first-child>.model{z-index:2}
th button{font:inherit;color:inherit;background:none;border:0;margin:-.2rem -.3rem;padding:.2rem .3rem;min-height:24px;cursor:pointer;text-align:inherit;white-space:nowrap}
th button:hover{text-decoration:underline}
th button::after{content:" ↕";content:" ↕"/"";opacity:.55}
[aria-sort=ascending] button::after{content:" ↑";content:" ↑"/"";opacity:1}
[aria-sort=descending] button::after{content:" ↓";content:" ↓"/"";opacity:1}
.find{display:flex;flex-wrap:wrap;align-items:center;gap:.3rem .7rem;margin-top:.9rem;font-size:.9375rem}
.find input{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--slate);border-radius:.4rem;padding:.3rem .6rem;min-height:2.2rem;width:min(100%,18rem)}
.find output{color:var(--soft);font-size:.875rem}
.find+.scroll{margin-top:.5rem}
)css";

constexpr std::string_view kSections = R"css(
.terms{display:grid;grid-template-columns:minmax(5.5rem,auto) minmax(0,1fr);gap:.15rem 1.1rem;max-width:62rem;margin:.6rem 0;font-size:.9375rem}
.terms div{display:contents}
.terms dt{font-weight:600}
.terms dd{margin:0;color:var(--soft)}
.glance{max-width:60rem;margin-top:.9rem}
.group{margin-top:2.2rem}
.group h3{margin-top:0}
.swatches{align-items:center;gap:.3rem 1rem;font-size:.875rem}
.swatches li{display:flex;align-items:center;gap:.4rem}
.caption{margin:.9rem 0 0;font-weight:600;font-size:.9375rem}
.caption+.scroll{margin-top:.4rem}
.readout{min-height:1.55em;font-size:.9375rem;color:var(--soft)}
#pairs:has(#show-observed:checked) .predicted,#pairs:has(#show-predicted:checked) .observed{display:none}
.cycles tbody th{font-weight:400}
.formula{width:max-content;max-width:100%;padding:.6rem .9rem;background:var(--card);border:1px solid var(--line);border-radius:.5rem;font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.875rem;white-space:pre-wrap}
@media (max-width:52rem){
.ranks th,.ranks td{padding-inline:.45rem}
.ranks .rank{width:2.6rem}
.ranks tbody .model{min-width:7rem}
.ranks .plot{min-width:10rem}
}
@media (forced-colors:active){.swatches li:not(.observed){display:none}}
@media print{
.find,.readout,th button::after{display:none}
table{font-size:inherit}
.ranks th,.ranks td{padding:.25rem .35rem}
.ranks .rating b{font-size:inherit}
.ranks .plot{min-width:9rem}
.ranks tbody .model{min-width:6rem}
.tall{max-height:none}
.scroll{overflow:visible;border:0}
#pairs .twin:not([open]){display:none}
#pairs .observed,#pairs .predicted{display:block!important}
#pairs li.observed{display:flex!important}
}
)css";

}  // namespace

std::string rank_page_css() {
  std::string css = page_base_css();
  css += kRanks;
  css += heat_map_css();
  css += calibration_css();
  css += ring_css();
  css += kSections;
  return css;
}

}  // namespace cupel::report
