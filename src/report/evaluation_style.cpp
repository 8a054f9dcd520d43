// The look of the evaluation report's own parts: the board, the questions and their answers.
#include <string>

#include "base/format.h"
#include "report/page_view.h"

namespace cupel::report {
namespace {

constexpr std::string_view kBoard = R"css(
.board td,.board th{padding-block:.8rem}
.board thead th{padding-block:.7rem .45rem}
.board .rank{font-size:1.05rem;font-weight:600;text-align:center;width:3.5rem}
.board thead .rank{font-size:.8125rem}
.board .model{min-width:13rem;overflow-wrap:anywhere}
.board .model small{margin-top:.15rem;max-width:24rem}
.board .plot{min-width:13rem;width:34%}
.board .score b{font-size:1.2rem}
.board tbody .first{background:var(--gold-wash)}
@media (max-width:52rem){
.board,.board tbody,.board thead{display:block}
.board thead tr,.board thead .plot{display:block;padding:.6rem 1rem 0;border:0;width:auto}
.board thead .plot{padding:0}
.board thead th:not(.plot){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);padding:0;border:0}
.board tbody tr{display:grid;grid-template-columns:2.2rem 1.2fr 1fr minmax(6.2rem,auto);gap:.35rem .6rem;padding:.9rem 1rem}
.board tbody tr+tr{border-top:1px solid var(--line)}
.board tbody tr>*{padding:0;border:0;min-width:0;text-align:start;white-space:normal}
.board .rank{grid-row:1;width:auto;text-align:start}
.board .model{grid-column:2/4;min-width:0}
.board .score{grid-column:4;text-align:end}
.board .score small{white-space:nowrap}
.board .plot{grid-column:1/-1;width:auto}
.board td.num:not(.score){margin-top:.2rem}
.board td.num:not(.score)::before{content:attr(data-name);display:block;font-size:.8125rem;color:var(--soft)}
.board td[data-name=Rating]{grid-column:1/3}
}
)css";

constexpr std::string_view kQuestions = R"css(
.question{background:var(--card);border:1px solid var(--line);border-radius:.6rem;margin-top:.6rem;scroll-margin-top:1rem}
.question>summary{display:grid;grid-template-columns:auto minmax(0,1fr) auto;gap:.3rem .8rem;align-items:baseline;padding:.75rem 1rem;list-style:none}
.question>summary::-webkit-details-marker{display:none}
.question>summary::before{content:"";width:.45em;height:.45em;border:solid var(--soft);border-width:0 2px 2px 0;transform:rotate(-45deg) translate(-.1em,-.1em);transition:transform .15s}
.question[open]>summary::before{transform:rotate(45deg) translate(-.15em,-.15em)}
.question[open]>summary{border-bottom:1px solid var(--line)}
.what{display:flex;gap:.6rem;align-items:baseline;min-width:0}
.what b{white-space:nowrap;max-width:10rem;overflow:hidden;text-overflow:ellipsis;flex:none}
.what .tag{flex:none;max-width:12rem}
.excerpt{color:var(--soft);font-size:.9375rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;min-width:0}
.scores{display:flex;flex-wrap:wrap;gap:.2rem .9rem;font-size:.875rem}
.scores>span{white-space:nowrap}
.turn{padding:0 1rem 1.25rem}
.turn h3{margin:1.25rem 0 .5rem}
.text{white-space:pre-wrap;unicode-bidi:isolate;overflow-wrap:anywhere;font-size:.9375rem}
.prompt{max-width:80ch;padding-inline-start:.9rem;border-inline-start:3px solid var(--gold)}
.answers{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,15rem),1fr));gap:.8rem;margin-top:1rem}
.answer{border:1px solid var(--line);border-radius:.5rem;padding:.8rem .9rem;background:var(--paper);min-width:0}
.answer header{margin-bottom:.5rem;padding-bottom:.5rem;border-bottom:1px solid var(--line)}
.answer h4{font-size:.9375rem}
.outcome{margin:.25rem 0 0;font-size:.875rem}
.answer>.text{max-height:34rem;overflow:auto}
.empty{color:var(--soft);font-style:italic}
.checks tbody th{min-width:16rem!important;font-weight:400;overflow-wrap:anywhere}
.by{font-size:.8125rem;color:var(--soft);white-space:nowrap}
.by::before{content:"· "}
.mark{font-weight:600}
td.mark,th.mark{text-align:center;width:8.5rem}
td.mark{white-space:nowrap}
td.mark small{display:inline;margin-inline-start:.4em;font-weight:400}
.mark>span:first-child{font-size:1.05em}
.checks thead .key+.name{display:block;margin-top:.2rem;font-weight:500;overflow-wrap:anywhere}
.checks.many .mark{width:auto;padding-inline:.45rem}
.checks.many td small{display:block;margin:0}
.yes{color:var(--yes)}.no{color:var(--no)}.unsure{color:var(--unsure)}.invalid{color:var(--no);text-decoration:underline dotted}
@media (max-width:52rem){
.question>summary{grid-template-columns:auto minmax(0,1fr)}
.scores{grid-column:2}
.what{flex-wrap:wrap}
.excerpt{flex-basis:100%}
.checks tbody th{min-width:8rem!important}
.checks thead .key+.name{position:absolute;width:1px;height:1px;margin:0;overflow:hidden;clip-path:inset(50%)}
td.mark,th.mark{width:auto}
td.mark small{display:block;margin:0}
.checks th,.checks td{padding:.5rem .4rem}
.checks th:first-child{padding-inline-start:.7rem}
}
@media print{
.answer{break-inside:avoid}
.answer>.text{max-height:none}
.question>summary::before{display:none}
}
)css";

}  // namespace

std::string page_css(const EvaluationPage& page) {
  std::string css = page_base_css();
  css += kBoard;
  css += kQuestions;
  for (size_t c = 0; c < page.categories.size(); ++c) {
    css += format("main:has(#show-{}:checked) .question:not(.in-{}){{display:none}}\n", c, c);
  }
  return css;
}

}  // namespace cupel::report
