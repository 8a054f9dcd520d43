#pragma once

#include <array>
#include <string_view>

namespace cupel::test {

/// Texts a model could say to break out of a page; shared by the unit and the browser tests.
/// Every one that executes calls alert(), which the browser test treats as a failure.
inline constexpr std::array<std::string_view, 18> kXssCorpus = {
    "<script>alert(1)</script>",
    "</div></article></details></main><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    "<svg onload=alert(4)><animate onbegin=alert(4) attributeName=x dur=1s>",
    "\"><iframe srcdoc=\"<script>parent.alert(5)</script>\"></iframe>",
    "' autofocus onfocus=alert(6) x='",
    "\" tabindex=1 autofocus onfocus=\"alert(7)",
    "[click](javascript:alert(8)) <a href=\"javascript:alert(8)\">click</a>",
    "![beacon](https://beacon.example.invalid/pixel.png)",
    "<img src=\"https://beacon.example.invalid/pixel.png\">",
    "<link rel=stylesheet href=https://beacon.example.invalid/x.css>",
    "<meta http-equiv=refresh content=\"0;url=https://beacon.example.invalid/\">",
    "<style>@import url(https://beacon.example.invalid/y.css);body{display:none}</style>",
    "</style></title></textarea><script>alert(14)</script>",
    "<!--<img src=\"--><img src=x onerror=alert(15)>",
    "<math><mtext></mtext><mglyph><style><!--</style><img src=x onerror=alert(16)>",
    "&lt;script&gt;alert(17)&lt;/script&gt; &#60;script&#62;",
    "\xE2\x80\xAE\xE2\x80\xAEreversed \xC0\xBCscript\xC0\xBE nul:\x01 broken:\xFF\xFE"};

}  // namespace cupel::test
