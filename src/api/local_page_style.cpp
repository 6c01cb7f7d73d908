#include "api/local_page_style.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace claviger::api {
namespace {

constexpr std::string_view kStyle = R"css(
:root {
  color-scheme: light dark;
  --ground: #f4f3ef; --card: #ffffff; --ink: #1d2129; --soft: #5c6370; --line: #dcdad3; --field: #fbfbf9;
  --accent: #1f6f5c; --accent-ink: #ffffff; --accent-soft: #e3f0ec; --wrong: #b3261e; --wrong-soft: #fbe9e7;
  --shadow: 0 1px 2px rgba(29, 33, 41, .05), 0 12px 32px rgba(29, 33, 41, .09);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --card: #1d2125; --ink: #eceae5; --soft: #a3a8b0; --line: #343a40; --field: #16191c;
    --accent: #62c9ac; --accent-ink: #0d1f1a; --accent-soft: #1b302a; --wrong: #ff9d94; --wrong-soft: #3a1f1d;
    --shadow: 0 1px 2px rgba(0, 0, 0, .4), 0 16px 40px rgba(0, 0, 0, .45);
  }
}
* { box-sizing: border-box; }
html { font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, Cantarell, "Noto Sans", "Liberation Sans", sans-serif; }
body { margin: 0; min-height: 100vh; padding: 2.5rem 1rem; background: var(--ground); color: var(--ink);
  display: flex; flex-direction: column; align-items: center; }
.brand { display: flex; align-items: center; gap: .55rem; margin: 0 0 1.4rem; color: var(--soft);
  font-size: .82rem; font-weight: 600; letter-spacing: .13em; text-transform: uppercase; }
.brand svg { width: 1.25rem; height: 1.25rem; fill: none; stroke: var(--accent); stroke-width: 2;
  stroke-linecap: round; stroke-linejoin: round; }
main { width: 100%; max-width: 33rem; padding: 2.25rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 16px; box-shadow: var(--shadow); }
h1 { margin: 0 0 .5rem; font-size: 1.6rem; line-height: 1.25; font-weight: 650; letter-spacing: -.015em; }
p { margin: 0 0 1rem; }
main > :last-child { margin-bottom: 0; }
.lead { color: var(--soft); }
a { color: var(--accent); text-underline-offset: 2px; }
code { font: .86em/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", "Liberation Mono", monospace; }
.steps { margin: 1.5rem 0 0; padding: 1.1rem 1.25rem 1.15rem; border-radius: 12px; background: var(--accent-soft); }
.steps h2 { margin: 0 0 .55rem; font-size: .82rem; font-weight: 650; letter-spacing: .02em; }
.steps ol { margin: 0; padding-left: 1.2rem; }
.steps li { margin: .3rem 0; padding-left: .2rem; }
.steps p { margin: .75rem 0 0; font-size: .88rem; color: var(--soft); }
label, .label { display: block; margin: 0 0 .35rem; font-weight: 600; font-size: .93rem; }
label .optional { margin-left: .35rem; font-weight: 400; color: var(--soft); }
.field, .uri { margin: 1.5rem 0 0; }
.uri + form > .field:first-of-type, .steps + form > .field:first-of-type { margin-top: 1.5rem; }
input, select { width: 100%; padding: .68rem .8rem; font: inherit; color: inherit; background: var(--field);
  border: 1px solid var(--line); border-radius: 9px; }
input::placeholder { color: var(--soft); opacity: .7; }
input:focus-visible, select:focus-visible, button:focus-visible, a:focus-visible {
  outline: 3px solid var(--accent); outline-offset: 1px; border-color: transparent; }
.uri .row { display: flex; gap: .5rem; }
.uri input { font: .84rem/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", "Liberation Mono", monospace; user-select: all; }
.code { margin: 1.5rem 0 0; }
.code .row { display: flex; gap: .5rem; }
.code input { font: 600 1.35rem/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", "Liberation Mono", monospace;
  letter-spacing: .12em; text-align: center; user-select: all; }
figure.qr { margin: 1.75rem 0 0; text-align: center; font-size: .88rem; color: var(--soft); }
svg.qr { display: block; width: 100%; max-width: 15rem; margin: 0 auto .7rem; border-radius: 9px; }
figcaption code { overflow-wrap: anywhere; }
.help { margin: .4rem 0 0; font-size: .86rem; color: var(--soft); }
.wrong { margin: .4rem 0 0; font-size: .88rem; font-weight: 550; color: var(--wrong); }
[aria-invalid="true"] { border-color: var(--wrong); }
.banner { margin: 1.25rem 0 0; padding: .8rem 1rem; border-radius: 10px; background: var(--wrong-soft);
  color: var(--wrong); font-size: .93rem; }
button { font: inherit; font-weight: 600; cursor: pointer; border-radius: 9px; border: 1px solid transparent; }
.go { display: block; width: 100%; margin: 1.9rem 0 0; padding: .78rem 1rem; text-align: center; text-decoration: none;
  background: var(--accent); color: var(--accent-ink); font-weight: 600; border-radius: 9px; }
.go:hover { filter: brightness(1.07); }
.copy { flex: none; padding: 0 .95rem; font-size: .9rem; background: transparent; border-color: var(--line); color: var(--ink); }
.copy:hover { border-color: var(--accent); color: var(--accent); }
.foot { margin: 1.5rem 0 0; font-size: .86rem; color: var(--soft); }
.sign { width: 3rem; height: 3rem; margin: 0 0 1.1rem; border-radius: 50%; display: flex; align-items: center;
  justify-content: center; background: var(--accent-soft); }
.sign svg { width: 1.5rem; height: 1.5rem; fill: none; stroke: var(--accent); stroke-width: 2.4; stroke-linecap: round;
  stroke-linejoin: round; }
.sign.bad { background: var(--wrong-soft); }
.sign.bad svg { stroke: var(--wrong); }
.notice { margin: 0 0 1.25rem; padding: .8rem 1rem; border-radius: 10px; background: var(--accent-soft); font-size: .93rem; }
.ask { margin: 1.5rem 0 0; padding: 1.1rem 1.25rem 1.15rem; border: 1px solid var(--line); border-radius: 12px; }
.ask h2 { margin: 0 0 .7rem; font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
.ask dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .9rem; margin: 0 0 .4rem; font-size: .88rem; }
.ask dt { color: var(--soft); }
.ask dd { margin: 0; overflow-wrap: anywhere; }
.ask .row { display: flex; gap: .5rem; margin: .7rem 0 0; }
.ask button { flex: 1; padding: .55rem .8rem; background: var(--accent); color: var(--accent-ink); }
.ask .deny { background: transparent; border-color: var(--wrong); color: var(--wrong); }
.ask select { flex: 1; padding: .5rem .6rem; }
.turn svg { animation: turn 1.1s linear infinite; }
@keyframes turn { to { transform: rotate(360deg); } }
@media (prefers-reduced-motion: reduce) { .turn svg { animation: none; } }
@media (max-width: 30rem) { body { padding: 1.25rem .75rem; } main { padding: 1.5rem 1.25rem; } }
)css";

constexpr std::string_view kScript = R"js("use strict";
for (const button of document.querySelectorAll("button[data-copies]")) {
  const source = document.getElementById(button.dataset.copies);
  if (!source || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    navigator.clipboard.writeText(source.value).then(() => {
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    }, () => source.select());
  });
}
)js";

}  // namespace

std::string_view page_style() { return kStyle; }
std::string_view copy_script() { return kScript; }

const std::string& page_style_hash() {
    static const std::string hash = "'sha256-" + base::base64_encode(crypto::sha256(kStyle)) + "'";
    return hash;
}

}  // namespace claviger::api
