"use strict";
// Names, reasons and sample ids are written with textContent, and escaped by `plain` for plotly, which reads some markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const hidden = new Set();
  const canHover = matchMedia("(hover: hover)").matches;
  const symbols = ["circle", "square", "diamond", "triangle-up", "cross", "star", "triangle-down", "x"];
  const dashes = ["solid", "dash", "dot", "dashdot", "longdash"];
  const arrows = { higher: " ↑", lower: " ↓", none: "" };

  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = (model) => css(`--m${model % 8}`);
  // Beyond eight models colours repeat, with other symbols.
  const symbol = (model) => symbols[(model + Math.floor(model / 8)) % 8];
  const number = (value) => (value === null ? "NA" : Number(value.toPrecision(4)).toString());
  const axisTitle = (axis) => plain(axis.name + (axis.unit ? ` (${axis.unit})` : ""));
  const say = (text) => { document.getElementById("said").textContent = text; };

  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  function chooser(label, options, onChange) {
    const select = el("select");
    options.forEach((text, at) => select.append(new Option(text, at)));
    select.addEventListener("change", () => onChange(Number(select.value)));
    return { node: el("label", {}, label, select), select };
  }

  // ---- plots: drawn when first seen, again when the models shown or the colour scheme change ----

  const plots = [];
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) drawFirst(plots.find((one) => one.node === entry.target));
    }
  }, { rootMargin: "300px" });
  // Paper is narrower than most windows, and shows what was never scrolled to.
  const PAPER_WIDTH = 640;
  let onPaper = false;
  addEventListener("beforeprint", () => {
    onPaper = true;
    plots.filter((one) => one.node.offsetParent).forEach(drawFirst);
  });
  addEventListener("afterprint", () => { onPaper = false; redraw(); });

  // `make()` gives { traces, layout, points }; a point is [trace, index, what is said of it].
  function addPlot(parent, label, make) {
    const node = el("div", { class: "plot", tabindex: "0", role: "group", "aria-label": `${label}. Arrow keys move through its points.` });
    const plot = { node, make, drawn: false, at: -1, points: [] };
    node.addEventListener("keydown", (event) => step(plot, event));
    parent.append(node);
    plots.push(plot);
    seen.observe(node);
    return plot;
  }

  function drawFirst(plot) {
    seen.unobserve(plot.node);
    plot.drawn = true;
    draw(plot);
  }

  function draw(plot) {
    const { traces, layout, points } = plot.make();
    const grid = { gridcolor: css("--line"), zerolinecolor: css("--line"), linecolor: css("--line"), automargin: true, fixedrange: !canHover };
    plot.points = points;
    plot.at = -1;
    Plotly.react(plot.node, traces, {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest",
      dragmode: canHover ? "zoom" : false, margin: { l: 55, r: 15, t: 15, b: 50 },
      font: { color: css("--ink"), family: "system-ui, sans-serif", size: 13 },
      hoverlabel: { bgcolor: css("--raised"), bordercolor: css("--line"), font: { color: css("--ink") }, align: "left" },
      width: onPaper ? PAPER_WIDTH : plot.node.clientWidth || undefined,
      ...layout, xaxis: { ...grid, ...layout.xaxis }, yaxis: { ...grid, ...layout.yaxis },
    }, { responsive: true, displaylogo: false, displayModeBar: canHover ? "hover" : false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] });
  }

  function redraw() {
    plots.filter((plot) => plot.drawn).forEach(draw);
  }

  function step(plot, event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by || !plot.points.length) return;
    event.preventDefault();
    plot.at = (plot.at + by + plot.points.length + (plot.at < 0 && by < 0 ? 1 : 0)) % plot.points.length;
    const [trace, index, text] = plot.points[plot.at];
    Plotly.Fx.hover(plot.node, [{ curveNumber: trace, pointNumber: index }]);
    say(text);
  }

  // ---- quality and speed ----

  function showPareto(section, { speeds, qualities, plots: pairs }) {
    if (!speeds.length || !qualities.length) {
      section.append(el("p", { class: "note" }, speeds.length
        ? "No quality metric was measured."
        : "No speed was measured: add a system metric such as throughput."));
      return;
    }
    let x = 0, y = 0, plot = null;
    const names = (axes) => axes.map((axis) => axis.name + arrows[axis.direction]);
    const first = chooser("Quality", names(qualities), (at) => { y = at; draw(plot); });
    const second = chooser("Speed", names(speeds), (at) => { x = at; draw(plot); });
    const figure = el("figure");
    section.append(el("div", { class: "choices" }, first.node, second.node), figure);
    plot = addPlot(figure, "Quality versus speed", () => paretoFigure(pairs[`${x},${y}`] || [], speeds[x], qualities[y], plot.node));
    figure.append(el("figcaption", {}, "The arrows point to the better side. Baseline rows are left out. The line joins the Pareto front: the models that no other model beats in both. Bars: 95 % intervals."));
  }

  // The range of an axis with a margin of a tenth, from its values and the ends of their intervals.
  function axisRange(values, wide, direction) {
    const along = (value) => (wide ? Math.log10(value) : value);
    const found = values.filter((value) => value !== null && (!wide || value > 0)).map(along);
    let [low, high] = [Math.min(...found), Math.max(...found)];
    if (!found.length) [low, high] = [0, 1];
    const margin = 0.1 * (high - low) || 0.1 * Math.abs(high) || 0.1;
    low -= margin;
    high += margin;
    return direction === "lower" ? [high, low] : [low, high];
  }

  // Ticks of a logarithmic axis at 1, 2 and 5 times powers of ten, or at powers alone where these are enough.
  function logTicks(range, most) {
    const [low, high] = [Math.min(...range), Math.max(...range)];
    const within = (steps) => {
      const ticks = [];
      for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
        for (const step of steps) {
          const at = power + Math.log10(step);
          if (at >= low && at <= high) ticks.push(step * 10 ** power);
        }
      }
      return ticks;
    };
    const found = [[1, 2, 5], [1, 3], [1]].map(within).find((ticks) => ticks.length <= most) || within([1]);
    const every = Math.ceil(found.length / most);
    const tickvals = found.filter((_, at) => at % every === 0);
    return { tickmode: "array", tickvals, ticktext: tickvals.map((tick) => Number(tick.toPrecision(6)).toLocaleString("en")) };
  }

  // Places for labels beside their points, none of which overlaps another or a point; a label far from its point has a
  // line to it. A label without a place is left out: its point says the name when it is touched.
  function placeLabels(points, width, height) {
    const taken = points.flatMap(({ x, y, bars: [left, right, top, bottom] }) => [
      [x - 8, y - 8, x + 8, y + 8], [left, y - 3, right, y + 3], [x - 3, top, x + 3, bottom],
    ]);
    const overlaps = (a) => taken.some((b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]);
    const labels = [];
    for (const point of points) {
      const half = [3.8 * point.text.length + 4, 9];
      let found = null;
      for (const far of [0, 16, 34, 54]) {
        for (const [sx, sy] of [[1, -1], [-1, -1], [1, 1], [-1, 1], [0, -1], [1, 0], [-1, 0], [0, 1]]) {
          const dx = sx * (half[0] + (sy ? 3 : 10) + far * (sy ? 0.5 : 1)), dy = sy * (half[1] + (sx ? 3 : 9) + far);
          const [x, y] = [point.x + dx, point.y + dy];
          const box = [x - half[0], y - half[1], x + half[0], y + half[1]];
          if (box[0] < 0 || box[1] < 0 || box[2] > width || box[3] > height || overlaps(box)) continue;
          found = { point, dx, dy, far };
          taken.push(box);
          break;
        }
        if (found) break;
      }
      if (found) labels.push(found);
    }
    return labels;
  }

  function paretoFigure(all, speed, quality, node) {
    const found = all.filter((point) => !hidden.has(point.model));
    const front = found.filter((point) => point.front).sort((a, b) => a.x - b.x);
    const xs = found.map((point) => point.x);
    const wide = Math.min(...xs) > 0 && Math.max(...xs) / Math.min(...xs) > 20;
    const ends = ([low, high], value, faint) => ({
      type: "data", symmetric: false, thickness: 1, width: 3, color: faint, visible: low !== null && high !== null,
      array: [Math.max(0, high - value)], arrayminus: [Math.max(0, value - low)],
    });
    const traces = [{ x: front.map((p) => p.x), y: front.map((p) => p.y), mode: "lines", hoverinfo: "skip", line: { color: css("--soft"), dash: "dot", width: 1.5 } }];
    const points = [];
    for (const point of found) {
      const name = data.models[point.model], tint = colour(point.model);
      const said = `${name}: ${quality.name} ${point.text[1]} ${quality.unit}, ${speed.name} ${point.text[0]} ${speed.unit}${point.front ? ", on the front" : ""}`;
      points.push([traces.length, 0, said]);
      traces.push({
        x: [point.x], y: [point.y], mode: "markers", cliponaxis: false,
        hovertext: [plain(said).replace(/: |, /g, (mark) => mark.trim() + "<br>")], hoverinfo: "text",
        marker: { color: tint, size: 12, symbol: symbol(point.model) },
        error_x: ends(point.xs, point.x, tint), error_y: ends(point.ys, point.y, tint),
      });
    }
    // The ranges and margins are fixed, so that the places of the labels are known before the plot is drawn.
    const margin = { l: 70, r: 20, t: 20, b: 55 };
    const [width, height] = [(node.clientWidth || 800) - margin.l - margin.r, (node.clientHeight || 384) - margin.t - margin.b];
    const xRange = axisRange(found.flatMap((p) => [p.x, ...p.xs]), wide, speed.direction);
    const yRange = axisRange(found.flatMap((p) => [p.y, ...p.ys]), false, quality.direction);
    const share = (value, range) => (value - range[0]) / (range[1] - range[0]);
    const short = (text) => (text.length > 28 ? `${text.slice(0, 13)}…${text.slice(-14)}` : text);
    const across = (value) => width * share(wide ? Math.log10(value) : value, xRange);
    const down = (value) => height * (1 - share(value, yRange));
    const bounds = (place, ends, value) => ends.map((end) => place(end === null || (wide && place === across && end <= 0) ? value : end)).sort((a, b) => a - b);
    const placed = placeLabels([...found].sort((a, b) => Number(b.front) - Number(a.front)).map((point) => ({
      x: across(point.x), y: down(point.y), bars: [...bounds(across, point.xs, point.x), ...bounds(down, point.ys, point.y)],
      text: short(data.models[point.model]), at: [wide ? Math.log10(point.x) : point.x, point.y],
    })), width, height);
    const annotations = placed.map(({ point, dx, dy, far }) => ({
      x: point.at[0], y: point.at[1], text: plain(point.text), font: { color: css("--ink"), size: 13 },
      ...(far ? { showarrow: true, ax: dx, ay: dy, arrowhead: 0, arrowwidth: 1, arrowcolor: css("--soft"), standoff: 6 }
        : { showarrow: false, xshift: dx, yshift: -dy }),
    }));
    return { traces, points, layout: {
      margin, annotations,
      xaxis: { title: { text: `${axisTitle(speed)} →`, standoff: 8 }, range: xRange, automargin: false, type: wide ? "log" : "linear",
        ...(wide ? logTicks(xRange, Math.max(2, Math.floor(width / 70))) : { nticks: Math.max(3, Math.floor(width / 90)) }) },
      yaxis: { title: { text: `${axisTitle(quality)} ↑`, standoff: 8 }, range: yRange, automargin: false },
    } };
  }

  // ---- AU control ----

  function showControl(section, curves) {
    if (!curves.length) return;
    section.replaceChildren(el("p", { class: "note" }, "Measured over requested level of the swept AU. The dotted line is perfect control."));
    for (const curve of curves) {
      if (curves.length > 1) section.append(el("h4", {}, curve.name));
      const panels = el("div", { class: "panels" });
      for (const { au, lines } of curve.aus) {
        const figure = el("figure", {}, el("h4", {}, au));
        addPlot(figure, `${au}: measured over requested`, () => curveFigure(lines));
        const heads = ["model", ...curve.facts.map((fact) => fact.name + arrows[fact.direction])];
        const body = lines.map((line) => [line.model, ...line.facts.map((fact) => fact[3])]);
        figure.append(el("details", {}, el("summary", {}, "Values"), numbersTable(heads, body)));
        panels.append(figure);
      }
      section.append(panels);
      curve.facts.forEach((fact, at) => {
        if (fact.direction !== "lower") return;
        const figure = el("figure", {}, el("h4", {}, `${fact.name}${arrows.lower} by swept AU`));
        addPlot(figure, `${fact.name} by swept AU`, () => factFigure(curve.aus, fact, at)).node.style.minHeight = `${6 + 1.6 * curve.aus.length}rem`;
        figure.append(el("figcaption", {}, "One value for each swept AU; lower is better, bars are 95 % intervals."));
        section.append(figure);
      });
    }
  }

  function curveFigure(lines) {
    const traces = [{ x: [0, 1], y: [0, 1], mode: "lines", hoverinfo: "skip", line: { color: css("--soft"), dash: "dot", width: 1 } }];
    const points = [];
    for (const line of lines) {
      if (hidden.has(line.model)) continue;
      const name = data.models[line.model];
      const said = line.x.map((x, at) => `${name}: requested ${number(x)}, measured ${number(line.y[at])}, n = ${line.n[at]}`);
      said.forEach((text, at) => points.push([traces.length, at, text]));
      traces.push({
        x: line.x, y: line.y, mode: "lines+markers", hovertext: said.map(plain), hoverinfo: "text",
        line: { color: colour(line.model), width: 2, dash: dashes[line.model % 5] }, marker: { symbol: symbol(line.model), size: 6 },
      });
    }
    return { traces, points, layout: {
      margin: { l: 40, r: 8, t: 5, b: 38 }, font: { color: css("--ink"), family: "system-ui, sans-serif", size: 12 },
      xaxis: { title: { text: "requested", standoff: 4 }, range: [-0.04, 1.04] }, yaxis: { title: { text: "measured", standoff: 4 } },
    } };
  }

  function factFigure(aus, fact, at) {
    const traces = [], points = [];
    const models = [...new Set(aus.flatMap(({ lines }) => lines.map((line) => line.model)))];
    models.forEach((model) => {
      if (hidden.has(model)) return;
      const rows = aus.flatMap(({ au, lines }) => lines.filter((line) => line.model === model && line.facts[at][0] !== null).map((line) => [au, ...line.facts[at]]));
      const said = rows.map(([au, , , , text]) => `${data.models[model]}, ${au}: ${text}`);
      said.forEach((text, index) => points.push([traces.length, index, text]));
      traces.push({
        x: rows.map((row) => row[1]), y: rows.map((row) => plain(row[0])), mode: "markers", hovertext: said.map(plain), hoverinfo: "text",
        marker: { color: colour(model), symbol: symbol(model), size: 9 },
        error_x: { type: "data", symmetric: false, thickness: 1, width: 2, color: colour(model),
          array: rows.map((row) => (row[3] === null ? 0 : row[3] - row[1])), arrayminus: rows.map((row) => (row[2] === null ? 0 : row[1] - row[2])) },
      });
    });
    return { traces, points, layout: { xaxis: { title: { text: axisTitle(fact) } }, yaxis: { type: "category", autorange: "reversed" } } };
  }

  function numbersTable(heads, rows) {
    const table = el("table", {}, el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))));
    const body = rows.map(([model, ...texts]) =>
      el("tr", { "data-model": model }, el("th", { scope: "row" }, dot(model), data.models[model]), ...texts.map((text) => el("td", {}, String(text)))));
    table.append(el("tbody", {}, ...body));
    return el("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Values, scrolls sideways" }, table);
  }

  function dot(model) {
    return el("span", { class: `dot m${model % 8}`, "aria-hidden": "true" });
  }

  // ---- distributions ----

  function showSpread(section, metrics) {
    if (!metrics.length) {
      section.append(el("p", { class: "note" }, "No metric of this run has values per sample."));
      return;
    }
    let at = 0;
    const table = el("div");
    const figure = el("figure");
    const fill = () => table.replaceChildren(numbersTable(
      ["model", "samples", "5 %", "25 %", "median", "75 %", "95 %"],
      metrics[at].lines.map((line) => [line.model, line.n, ...line.named])));
    const choice = chooser("Metric", metrics.map((metric) => metric.name + arrows[metric.direction]), (to) => { at = to; draw(plot); fill(); filterModels(); });
    section.append(el("div", { class: "choices" }, choice.node), figure);
    const plot = addPlot(figure, "Distribution of the samples' values", () => spreadFigure(metrics[at]));
    figure.append(el("figcaption", {}, "Share of samples at or below a value (empirical distribution function)."),
      el("details", {}, el("summary", {}, "Percentiles"), table));
    fill();
  }

  function spreadFigure(metric) {
    const traces = [], points = [];
    for (const line of metric.lines) {
      if (hidden.has(line.model)) continue;
      const shares = line.x.map((_, index) => index / (line.x.length - 1));
      const said = line.x.map((x, index) => `${data.models[line.model]}: ${Math.round(100 * shares[index])} % of samples at or below ${number(x)}`);
      for (let index = 0; index < said.length; index += 5) points.push([traces.length, index, said[index]]);
      traces.push({ x: line.x, y: shares, mode: "lines", hovertext: said.map(plain), hoverinfo: "text",
        line: { color: colour(line.model), width: 2, dash: dashes[line.model % 5] } });
    }
    return { traces, points, layout: {
      xaxis: { title: { text: axisTitle(metric) + arrows[metric.direction] } },
      yaxis: { title: { text: "share of samples" }, tickformat: ".0%", range: [-0.02, 1.02] },
    } };
  }

  // ---- gallery ----

  function showGallery(section, gallery) {
    if (gallery.reason) {
      section.append(el("p", { class: "note" }, gallery.reason));
      return;
    }
    const models = [...new Set(gallery.choices.map((choice) => choice[1]))].sort((a, b) => a - b);
    const metrics = [...new Set(gallery.choices.map((choice) => choice[0]))].sort((a, b) => a - b);
    const state = { metric: 0, model: models.indexOf(gallery.choices[0][1]), differences: false };
    const shots = el("div");
    const update = () => {
      const metric = metrics[state.metric], model = models[state.model];
      const mine = ["worst", "median", "best"].map((what) => gallery.choices.find((c) => c[0] === metric && c[1] === model && c[2] === what));
      shots.replaceChildren(...mine.filter(Boolean).map((choice) => shot(gallery, choice, state.differences)));
      if (!shots.children.length) shots.append(el("p", { class: "note" }, "Left out to limit the size of this page."));
      filterModels();
    };
    const pick = (name) => (at) => { state[name] = at; update(); };
    const box = el("input", { type: "checkbox" });
    box.addEventListener("change", () => { state.differences = box.checked; update(); });
    const ofModel = chooser("of the model", models.map((at) => data.models[at]), pick("model"));
    ofModel.select.value = state.model;
    const title = (metric) => metric.name + arrows[metric.direction];
    section.append(
      el("div", { class: "choices" },
        chooser("Worst, median and best by", metrics.map((at) => title(gallery.metrics[at])), pick("metric")).node,
        ofModel.node,
        el("label", { class: "pick" }, box, `Differences to the ${gallery.against}, magnified ${gallery.magnified} times`)),
      shots,
      el("p", { class: "note" },
        `Chosen among the ${gallery.kept} samples of ${gallery.of} whose images the run stored. Images are shown compressed; values and differences are computed from the exact images.` +
        (gallery.left_out ? ` ${gallery.left_out} choices are left out to limit the size of this page.` : "")));
    update();
  }

  function shot(gallery, [metric, chosen, what, sample], differences) {
    const entry = gallery.samples[sample];
    const tiles = el("div", { class: "tiles" });
    for (const name of ["source", "target"]) {
      if (entry[name]) tiles.append(el("figure", {}, picture(entry[name], `${name} of ${sample}`), el("figcaption", {}, el("b", {}, name))));
    }
    data.models.forEach((label, model) => {
      const value = (gallery.values[sample][metric] || {})[model];
      if (!(model in entry.images) && value === undefined) return;
      const figure = el("figure", { "data-model": model, class: model === chosen ? "of" : "" });
      if (!entry.images[model]) figure.append(el("div", { class: "none" }, "no image stored"));
      else figure.append(picture(entry.images[model], `${sample} by ${label}`));
      if (differences && entry.differences[model]) figure.append(picture(entry.differences[model], `difference of ${label} to the ${gallery.against}, magnified`));
      figure.append(el("figcaption", {}, el("b", {}, dot(model), label), value === undefined ? "NA" : value));
      tiles.append(figure);
    });
    return el("div", { class: "shot" }, el("h4", {}, `${what}: ${sample}`), tiles);
  }

  function picture(code, alt) {
    return el("img", { src: `data:image/webp;base64,${code}`, alt, loading: "lazy" });
  }

  // ---- a page for each AU ----

  function showAu(article, aus, curves) {
    for (const box of article.querySelectorAll(".au-figures")) {
      const au = box.dataset.au, measures = aus[au];
      let at = 0;
      const figure = el("figure");
      const choice = chooser("Measure", measures.map((one) => one.name + arrows[one.direction]), (to) => { at = to; draw(plot); });
      box.append(el("div", { class: "choices" }, choice.node), figure);
      const plot = addPlot(figure, `Values of ${au} by model`, () => auFigure(measures[at]));
      plot.node.style.minHeight = `${7 + 2 * Math.max(...measures.map((one) => one.points.length))}rem`;
      figure.append(el("figcaption", {}, "Bars: 95 % intervals over subjects."));
      for (const curve of curves) {
        const mine = curve.aus.find((one) => one.au === au);
        if (!mine) continue;
        const swept = el("figure", {}, el("h4", {}, `${curve.name}: measured over requested`));
        addPlot(swept, `${au}: measured over requested`, () => curveFigure(mine.lines));
        box.append(swept);
      }
    }
  }

  function auFigure(measure) {
    const traces = [], points = [];
    for (const [model, value, low, high, text] of measure.points) {
      if (hidden.has(model)) continue;
      const said = `${data.models[model]}: ${text}`;
      points.push([traces.length, 0, said]);
      traces.push({
        x: [value], y: [plain(data.models[model])], mode: "markers", hovertext: [plain(said)], hoverinfo: "text",
        marker: { color: colour(model), symbol: symbol(model), size: 11 },
        error_x: { type: "data", symmetric: false, thickness: 1, width: 3, color: colour(model), visible: low !== null && high !== null,
          array: [Math.max(0, high - value)], arrayminus: [Math.max(0, value - low)] },
      });
    }
    return { traces, points, layout: { xaxis: { title: { text: axisTitle(measure) + arrows[measure.direction] } }, yaxis: { type: "category", autorange: "reversed" } } };
  }

  // ---- leaderboard ----

  function showLeaderboard(section, board) {
    const all = "all";
    const state = { place: all, metric: null, key: all };
    const select = (label, name) => {
      const node = el("select", { "data-filter": name });
      node.addEventListener("change", () => { state[name] = node.value; update(); });
      return { node, label: el("label", {}, label, node) };
    };
    const [placeChoice, metricChoice, keyChoice] = [["Data set", "place"], ["Metric", "metric"], ["Evaluator key", "key"]].map((pair) => select(...pair));
    const fill = (choice, options, name) => {
      choice.node.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
      if (!options.some(([value]) => value === state[name])) state[name] = options[0][0];
      choice.node.value = state[name];
    };
    const evaluatorOf = (column) => (column.evaluators.length ? `${column.key}, evaluated by ${column.evaluators.join(", ")}` : column.key);
    const table = el("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Leaderboard" });
    const measured = (value) => value[2] !== null;

    function update() {
      const inPlace = (value) => state.place === all || board.lines[value[0]].place === Number(state.place);
      const here = board.values.filter((value) => inPlace(value) && measured(value));
      const metrics = [...new Map(here.map((value) => [board.columns[value[1]].metric, board.columns[value[1]]])).values()];
      fill(metricChoice, metrics.map((column) => [column.metric, column.metric + arrows[column.direction]]), "metric");
      const ofMetric = [...new Set(here.map((value) => value[1]))].filter((at) => board.columns[at].metric === state.metric);
      fill(keyChoice, [[all, ofMetric.length > 1 ? "all keys, a column each" : "all keys"], ...ofMetric.map((at) => [String(at), evaluatorOf(board.columns[at])])], "key");
      // Values of unlike keys never share a column.
      const columns = ofMetric.filter((at) => state.key === all || String(at) === state.key).sort((a, b) => a - b);
      table.replaceChildren(build(columns, here));
      filterModels();
    }

    function build(columns, values) {
      const head = el("tr", {}, el("th", { scope: "col" }, "model"), el("th", { scope: "col", class: "run" }, "run"));
      for (const at of columns) {
        const { metric, unit, direction, key } = board.columns[at];
        head.append(el("th", { scope: "col", class: "value", "data-key": key }, `${metric}${unit ? ` (${unit})` : ""}${arrows[direction]}`, el("small", {}, el("code", {}, key))));
      }
      const made = el("table", { class: "board" }, el("thead", {}, head));
      board.places.forEach((title, place) => {
        const cells = (line) => columns.map((at) => values.find((value) => value[0] === line && value[1] === at));
        const rows = board.lines.map((line, number) => [line, cells(number)]).filter(([line, found]) => line.place === place && found.some(Boolean));
        if (!rows.length || (state.place !== all && Number(state.place) !== place)) return;
        const sign = board.columns[columns[0]].direction === "higher" ? -1 : 1;
        const first = (found) => (found[0] ? sign * found[0][2] : Infinity);
        rows.sort((a, b) => first(a[1]) - first(b[1]));
        const body = el("tbody", {}, el("tr", { class: "group" }, el("th", { colspan: String(columns.length + 2), scope: "rowgroup" }, title)));
        for (const [line, found] of rows) {
          const name = el(line.reference ? "em" : "span", {}, data.models[line.model]);
          const row = el("tr", { "data-model": line.model }, el("th", { scope: "row", title: line.key }, dot(line.model), name), el("td", { class: "run" }, line.run));
          for (const value of found) row.append(valueCell(value));
          body.append(row);
        }
        made.append(body);
      });
      return made;
    }

    function valueCell(value) {
      if (!value) return el("td", { class: "value" });
      const [, , , text, half, interval, marks, rank, best, reason] = value;
      const cell = el("td", { class: `value${best ? " best" : ""}`, title: [interval, reason].filter(Boolean).join("; ") }, el(best ? "strong" : "span", {}, text), marks);
      if (half) cell.append(el("small", {}, half));
      if (rank !== null) cell.append(el("small", {}, `rank ${rank}`));
      return cell;
    }

    fill(placeChoice, [[all, "all data sets"], ...board.places.map((title, at) => [String(at), title])], "place");
    section.append(el("div", { class: "choices" }, placeChoice.label, metricChoice.label, keyChoice.label), table,
      el("p", { class: "note" }, "Best first, within a data set. Bold: the best of its column. Italic: baseline rows, which have no rank. Small: half of the 95 % interval, and the rank."));
    update();
  }

  // ---- tables and the choices at the top ----

  function makeSortable(table) {
    const heads = [...table.querySelectorAll("thead th")];
    heads.forEach((head, column) => {
      const button = el("button", { type: "button" });
      button.append(...head.querySelector("span").childNodes);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const body = table.tBodies[0];
        const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
        const compare = (a, b) => {
          const [x, y] = [key(a), key(b)];
          if (x === "" || y === "") return (x === "") - (y === ""); // cells without a value stay last
          const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
          return up ? order : -order;
        };
        body.append(...[...body.rows].sort(compare));
      });
    });
  }

  // The choice of columns, and the order of the cards that a narrow screen shows in place of a table.
  function chooseColumns(article) {
    const table = article.querySelector("table.summary");
    const box = article.querySelector(".full-intervals");
    box.addEventListener("change", () => { article.toggleAttribute("data-full", box.checked); });
    article.querySelectorAll("input[name=column]").forEach((pick) => pick.addEventListener("change", () => {
      table.querySelectorAll(`[data-column="${pick.value}"]`).forEach((cell) => { cell.hidden = !pick.checked; });
    }));
    const sort = article.querySelector(".sort-choice");
    const heads = [...table.querySelectorAll("thead th")].slice(1);
    heads.forEach((head, at) => sort.append(new Option(head.textContent.replace("↕", "").trim(), at)));
    sort.addEventListener("change", () => {
      if (sort.value === "") return;
      const head = heads[Number(sort.value)];
      head.removeAttribute("aria-sort");
      head.querySelector("button").click();
      if (head.querySelector(".arrow")?.title.startsWith("higher")) head.querySelector("button").click();
    });
  }

  function filterModels() {
    document.querySelectorAll("[data-model]").forEach((node) => { node.hidden = hidden.has(Number(node.dataset.model)); });
  }

  const articles = [...document.querySelectorAll("article[data-place]")];
  const place = document.getElementById("place");
  const choosePlace = (at) => {
    articles.forEach((article, index) => { article.hidden = index !== at; });
    if (place) place.value = at;
  };

  articles.forEach((article, at) => {
    const { pareto, curves, spread, gallery, aus } = data.places[at];
    showAu(article, aus, curves);
    showPareto(article.querySelector(".pareto"), pareto);
    showControl(article.querySelector(".control"), curves);
    showGallery(article.querySelector(".gallery"), gallery);
    showSpread(article.querySelector(".spread"), spread);
    const choice = article.querySelector(".heat-choice");
    if (choice) {
      const maps = [...article.querySelectorAll(".heat-map")];
      const open = () => maps.forEach((map) => { map.hidden = map.dataset.map !== choice.value; });
      choice.addEventListener("change", open);
      choice.parentElement.hidden = false;
      open();
    }
  });
  if (data.leaderboard) showLeaderboard(document.querySelector(".leaderboard"), data.leaderboard);
  document.querySelectorAll("table.sortable").forEach(makeSortable);
  articles.forEach(chooseColumns);
  document.querySelectorAll(".script").forEach((node) => { node.hidden = false; });
  document.querySelector(".controls").hidden = false;
  document.querySelectorAll("input[name=model]").forEach((box) => box.addEventListener("change", () => {
    hidden[box.checked ? "delete" : "add"](Number(box.value));
    filterModels();
    redraw();
  }));
  if (place) place.addEventListener("change", () => choosePlace(Number(place.value)));
  // A link to an AU shows its page alone; any other link ends that.
  const follow = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const article = target && target.closest("article[data-place]");
    const page = target && target.matches(".au-page");
    articles.forEach((one) => { one.classList.toggle("one-au", Boolean(page) && one === article); });
    if (page) article.querySelectorAll(".au-page").forEach((one) => { one.open = one === target; });
    if (article && article.hidden) choosePlace(articles.indexOf(article));
    if (article) (page ? article : target).scrollIntoView();
  };
  choosePlace(0);
  follow();
  addEventListener("hashchange", follow);
  let waiting = 0, drawnAt = innerWidth;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (innerWidth !== drawnAt) { drawnAt = innerWidth; redraw(); } }, 200);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.documentElement.dataset.ready = "yes";
})();
