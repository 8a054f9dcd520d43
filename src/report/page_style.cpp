// The look of all pages: quiet paper and ink, one accent of molten gold for the leader and nothing
// else.
#include <string>
#include <string_view>

#include "report/figures.h"
#include "report/page_parts.h"

namespace cupel::report {
namespace {

// Text colours reach ≥ 4.5:1 and marks ≥ 3:1 on both --paper and --card, in either scheme.
constexpr std::string_view kTokens = R"css(
:root{color-scheme:light dark;--paper:#faf8f4;--card:#fff;--ink:#201b15;--soft:#665d50;--line:#e6e0d5;--slate:#7b8088;--gold:#b97a12;--gold-ink:#845300;--gold-wash:#fdf4e1;--yes:#1b7047;--no:#b0372c;--unsure:#7d5a00;--warn-wash:#fdeee9;--focus:#1c5fb8}
@media (prefers-color-scheme:dark){:root{--paper:#161311;--card:#1f1b18;--ink:#efe8dc;--soft:#b0a595;--line:#38312a;--slate:#8d929b;--gold:#f0b13c;--gold-ink:#f3bd57;--gold-wash:#2c2213;--yes:#74cda0;--no:#f4938a;--unsure:#e6bf62;--warn-wash:#331d19;--focus:#86b7ff}}
@media (prefers-contrast:more){:root{--soft:var(--ink);--line:var(--slate)}}
)css";

constexpr std::string_view kBase = R"css(
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}*{transition:none!important}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 Inter,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","Liberation Sans",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.wrap{max-width:74rem;margin-inline:auto;padding-inline:clamp(1rem,4vw,2.5rem)}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:1rem;top:-4rem;background:var(--card);color:var(--ink);padding:.6rem 1rem;border-radius:0 0 .5rem .5rem;z-index:9}
.skip:focus{top:0}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px;border-radius:3px}
main:focus{outline:none}
a{color:var(--gold-ink);text-underline-offset:.2em}
h1,h2,h3,h4{line-height:1.2;text-wrap:balance;margin:0}
h1{font-size:clamp(1.9rem,1.4rem + 2.2vw,2.9rem);letter-spacing:-.02em;font-weight:700}
h2{font-size:1.45rem;letter-spacing:-.01em}
h3{font-size:1.05rem;margin-top:2rem}
p{margin:.6rem 0;max-width:68ch}
small{display:block;font-size:.8125rem;color:var(--soft);font-weight:400}
section{margin-top:3.5rem;scroll-margin-top:1rem}
.hint{color:var(--soft);font-size:.9375rem}
)css";

constexpr std::string_view kHead = R"css(
.top{padding-top:2.25rem}
.brand{display:flex;align-items:center;gap:.55rem;margin:0 0 1.1rem;font-size:.875rem;font-weight:600;color:var(--soft)}
.mark-logo .bead{fill:var(--gold)}.mark-logo .vessel{fill:var(--ink)}
.subtitle{text-wrap:pretty;font-size:1.0625rem;color:var(--soft);margin:.5rem 0 0}
nav{margin-top:1.5rem;border-block:1px solid var(--line)}
nav ul{display:flex;flex-wrap:wrap;gap:0 1.4rem;list-style:none;margin-block:0;padding-block:.2rem}
nav a{display:block;padding:.5rem 0;font-size:.9375rem;color:var(--ink);text-decoration:none}
nav a:hover{text-decoration:underline;text-decoration-color:var(--gold);text-decoration-thickness:2px}
.headline{margin-top:2.25rem}
.eyebrow{font-size:.9375rem;font-weight:600;letter-spacing:0;color:var(--gold-ink)}
.lede{font-size:clamp(1.25rem,1.05rem + .9vw,1.65rem);line-height:1.4;max-width:46em;margin:.4rem 0 0;text-wrap:pretty}
.lede em{white-space:nowrap;font-style:normal;font-weight:700;text-decoration:underline;text-decoration-color:var(--gold);text-decoration-thickness:3px;text-underline-offset:.2em}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,7.75rem),1fr));gap:1rem 1.25rem;margin:1.75rem 0 1.25rem}
.facts div{border-top:2px solid var(--line);padding-top:.55rem}
.facts dt{font-size:.875rem;color:var(--soft)}
.facts dd{margin:0;font-size:1.375rem;font-weight:650;line-height:1.25}
.note{max-width:none;margin:.6rem 0;padding:.7rem 1rem;border-radius:.5rem;background:var(--gold-wash);font-size:.9375rem}
.note.warning{background:var(--warn-wash)}
.note.warning strong:first-child{color:var(--no)}
)css";

constexpr std::string_view kTables = R"css(
.scroll{position:relative;overflow-x:auto;margin-top:.9rem;background:var(--card);border:1px solid var(--line);border-radius:.6rem}
table{border-collapse:separate;border-spacing:0;width:100%;font-size:.9375rem;line-height:1.35}
th,td{padding:.6rem .8rem;text-align:start;vertical-align:middle;overflow-wrap:normal}
thead th{font-size:.8125rem;font-weight:600;color:var(--soft);vertical-align:bottom;border-bottom:1px solid var(--line)}
tbody tr+tr>*{border-top:1px solid var(--line)}
tbody+tbody>tr:first-child>*{border-top:2px solid var(--line)}
tbody th{font-weight:500}
tbody tr,thead tr{background:var(--card)}
table:not(.board) tbody th,table:not(.board) thead tr:first-child>:first-child{position:sticky;inset-inline-start:0;background:inherit}
table:not(.board) tbody th{min-width:9.5rem;overflow-wrap:anywhere}
.num{text-align:end;white-space:nowrap}
.edge{border-inline-start:1px solid var(--line)}
.key{display:inline-block;min-width:1.45em;padding:0 .3em;border-radius:.3em;background:var(--line);color:var(--ink);font-size:.8125em;font-weight:700;line-height:1.5;text-align:center}
.name{font-weight:600}
.tag{display:inline-block;padding:0 .5em;border:1px solid var(--line);border-radius:1em;font-size:.8125rem;line-height:1.5;font-weight:500;color:var(--soft);white-space:nowrap;max-width:100%;overflow:hidden;text-overflow:ellipsis;vertical-align:bottom}
.tag.warn{border-color:currentColor;color:var(--no)}
)css";

constexpr std::string_view kFigures = R"css(
figure{margin:0}
.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.9rem 1rem}
.narrow{max-width:48rem;margin-top:.9rem}
figcaption{font-size:.9375rem;font-weight:600;margin-bottom:.5rem}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15rem),1fr));gap:.9rem;margin-top:1rem}
@media (max-width:52rem){.panels:not(.wide){grid-template-columns:repeat(auto-fill,minmax(min(100%,9.5rem),1fr))}}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;list-style:none;padding:0;margin:.8rem 0 0;font-size:.9375rem}
.twin{margin-top:.7rem}
summary{cursor:pointer}
.twin>summary{display:inline-block;min-height:24px;font-size:.875rem;color:var(--gold-ink);text-decoration:underline;text-underline-offset:.2em;text-decoration-thickness:1px}
)css";

constexpr std::string_view kFilter = R"css(
.filter{position:relative;display:flex;flex-wrap:wrap;align-items:center;gap:.4rem;border:0;padding:0;margin:1rem 0;min-width:0}
.filter legend{float:left;padding:0;margin-inline-end:.4rem;font-size:.9375rem;color:var(--soft)}
.filter input{position:absolute;opacity:0;width:1px;height:1px}
.filter label{padding:.3rem .8rem;border:1px solid var(--line);border-radius:1em;background:var(--card);font-size:.875rem;cursor:pointer}
.filter input:checked+label{background:var(--ink);border-color:var(--ink);color:var(--paper)}
.filter input:focus-visible+label{outline:3px solid var(--focus);outline-offset:2px}
@media (forced-colors:active){.filter input:checked+label{forced-color-adjust:none;background:Highlight;color:HighlightText}}
)css";

constexpr std::string_view kFoot = R"css(
.metadata{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:.2rem 2rem;margin:.6rem 0 0;font-size:.9375rem}
.metadata div{display:flex;gap:.8rem;justify-content:space-between;padding:.35rem 0;border-bottom:1px solid var(--line)}
.metadata dt{color:var(--soft);flex:none;max-width:50%}
.metadata dd{margin:0;text-align:end;min-width:0}
.hash{font:inherit;font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.875em;color:var(--soft);white-space:nowrap}
footer{margin-top:4rem;padding-block:1.5rem;border-top:1px solid var(--line);font-size:.875rem;color:var(--soft)}
@media print{
:root{--paper:#fff}
nav,.filter,.skip{display:none}
body{font-size:11px}
section{margin-top:1.5rem}
.card,tr{break-inside:avoid}
details::details-content{content-visibility:visible;block-size:auto;display:block}
}
)css";

}  // namespace

std::string page_base_css() {
  std::string css;
  for (const std::string_view part :
       {kTokens, kBase, kHead, kTables, kFigures, figure_css(), kFilter, kFoot}) {
    css += part;
  }
  return css;
}

}  // namespace cupel::report
