'use strict';
/* The form of the section "Advice": a small evaluator of what the page holds as data. Costs, bounds, formats and phrases
   come from bench/advice and bench/units.py; the steps are those of bench/advice/ranking.py, and a test compares both. */
(function () {
  function loadOf(variant, need, interval) {
    const deliveries = need.subscribers * need.rate;
    const expected = need.rate * variant.hold_s;
    const longPolls = expected < 1e-9 ? need.subscribers / variant.hold_s : deliveries / -Math.expm1(-expected);
    return withAmounts({
      subscribers: need.subscribers, publishes: deliveries / need.fan_out, deliveries: deliveries,
      payload_bytes: need.payload_bytes, upstream: need.subscribers * need.upstream_rate,
      requests: {'push': 0, 'long poll': longPolls, 'poll': need.subscribers / interval}[variant.mechanism],
      fan_out: need.fan_out, spread: variant.mechanism === 'poll'
    });
  }

  function withAmounts(load) {
    return Object.assign(load, {
      arrivals: Math.max(load.publishes, load.upstream), published: Math.max(0, load.publishes - load.upstream),
      standing: load.spread ? 0 : load.subscribers, scattered: load.spread ? load.requests : 0
    });
  }

  function share(load, processes) {
    const part = 1 / processes;
    return withAmounts(Object.assign({}, load, {
      subscribers: load.subscribers * part, publishes: load.publishes * Math.min(1, load.fan_out * part),
      deliveries: load.deliveries * part, upstream: load.upstream * part, requests: load.requests * part,
      fan_out: Math.max(1, load.fan_out * part)
    }));
  }

  function total(prices, features, load, cooling) {
    const amounts = Object.assign({cold: 1 / (1 + (load.arrivals + load.scattered) * cooling)}, load);
    return Object.keys(prices).reduce(function (sum, feature) {
      return sum + features[feature].reduce(function (product, name) { return product * amounts[name]; }, prices[feature]);
    }, 0);
  }

  function cores(rules, variant, load) { return total(variant.cpu, rules.cpu, load, rules.cooling_s); }

  function processesFor(rules, variant, load) {
    let processes = 1;
    while (processes <= rules.most_processes) {
      const used = cores(rules, variant, share(load, processes));
      if (used <= rules.full) return processes;
      processes = Math.max(processes + 1, Math.ceil(processes * used / rules.full));
    }
    return null;
  }

  function nearest(points, distance) {
    return points.reduce(function (best, point) {
      const far = distance(point);
      return best === null || far < best.far ? {far: far, point: point} : best;
    }, null);
  }

  function serviceOf(variant, need) {
    const asked = need.subscribers / need.max_staleness_s;
    const found = nearest(variant.services, function (one) { return Math.abs(Math.log(asked / one.requests)); });
    return found === null ? 0 : found.point.service_ns;
  }

  function polled(rules, interval, service) {
    return {p50: rules.middle * 1e9 * interval + service, p99: rules.late * 1e9 * interval + service, where: null, waited: 0};
  }

  function pushed(rules, variant, load) {
    const found = nearest(variant.fresh, function (one) {
      return rules.nearest.reduce(function (sum, name) {
        return load[name] > 0 && one[name] > 0 ? sum + Math.abs(Math.log(load[name] / one[name])) : sum;
      }, 0);
    });
    if (found === null) return null;
    const asked = variant.mechanism === 'long poll' ? variant.cpu.requests : 0;
    const delivery = variant.cpu.deliveries + variant.cpu.delivered_bytes * load.payload_bytes + asked;
    const wait = 1e9 * Math.max(0, load.fan_out - found.point.fan_out) * delivery;
    return {p50: found.point.p50_ns + rules.middle * wait, p99: found.point.p99_ns + rules.late * wait,
      where: found.point.where, waited: rules.late * wait};
  }

  function beyond(rules, variant, load) {
    return rules.dimensions.filter(function (one) {
      const value = load[one.name], range = variant.ranges[one.name];
      return value > rules.nothing &&
        (!range || value < range[0] * (1 - rules.edge) || value > range[1] * (1 + rules.edge));
    }).map(function (one) {
      const value = load[one.name], range = variant.ranges[one.name] || null;
      const above = range !== null && value > range[1];
      return {
        kind: one.name, value: value, dimension: one.words, most: above ? range[1] : null,
        least: range && !above ? range[0] : null, times: range ? Math.max(value / range[1], range[0] / value) : Infinity
      };
    });
  }

  function roundedDown(seconds, digits) {
    if (seconds <= 0) return 0;
    const scale = Math.pow(10, digits - 1 - Math.floor(Math.log10(seconds)));
    return Math.floor(seconds * scale) / scale;
  }

  /* A variant that meets the need, or the reason why it does not; both with the facts of their phrases. */
  function consider(rules, variant, need) {
    function refused(reason, facts) { return {refused: true, variant: variant, reason: reason, facts: facts}; }
    const polls = variant.mechanism === 'poll';
    if (need.upstream_rate && variant.posts === null) return refused('upstream', {});
    const service = polls ? serviceOf(variant, need) : 0;
    const interval = roundedDown(need.max_staleness_s - service / 1e9, rules.interval_digits);
    if (polls && interval <= 0) return refused('slow poll', {late_ns: service, where: rules.slow_poll_where});
    if (polls && variant.shortest_poll_s !== null && interval < rules.shortest_poll * variant.shortest_poll_s) {
      return refused('short interval', {interval_ns: interval * 1e9, shortest_ns: variant.shortest_poll_s * 1e9});
    }
    const load = loadOf(variant, need, interval);
    const processes = processesFor(rules, variant, load);
    if (processes === null) return refused('too many processes', {most_processes: rules.most_processes});
    const part = share(load, processes), used = processes * cores(rules, variant, part);
    if (need.cores !== null && processes > need.cores) {
      return refused('too few cores', {
        core_count: used, process_count: used <= need.cores ? processes : null, full: rules.full,
        available: need.cores, one: need.cores === 1 || null
      });
    }
    const fresh = polls ? polled(rules, interval, service) : pushed(rules, variant, part);
    if (fresh === null) return refused('no latency', {});
    if (!polls && fresh.p99 > need.max_staleness_s * 1e9) {
      return refused('late', {late_ns: fresh.p99, where: fresh.where || null});
    }
    return option(rules, variant, need, {
      interval: polls ? interval : null, load: load, part: part, processes: processes, cores: used, fresh: fresh
    });
  }

  function option(rules, variant, need, found) {
    const memory = variant.memory, outside = beyond(rules, variant, found.part), pings = variant.facts.ping_interval_s;
    const few = rules.open_files && found.part.subscribers > rules.open_files - rules.spare_files;
    const requests = found.load.requests + found.load.upstream * (variant.posts || 0);
    const facts = Object.assign({}, variant.facts, {
      far: outside.some(function (one) { return one.times > rules.far; }) || null, core_count: found.cores,
      where: found.fresh.where || null, p50_ns: found.fresh.p50, p99_ns: found.fresh.p99,
      waited_ns: found.fresh.waited || null,
      memory_bytes: memory && found.processes * memory.base_bytes + need.subscribers * memory.subscriber_bytes,
      wire_bytes: (found.load.deliveries + found.load.upstream) * found.load.payload_bytes +
        total(variant.wire, rules.wire, found.load, 0),
      asks: requests || null, request_count: requests, process_count: found.processes,
      several_processes: found.processes > 1 || null,
      interval_ns: found.interval === null ? null : found.interval * 1e9, connections: found.part.subscribers,
      open_files: few ? rules.open_files : null, ping_count: pings === null ? null : need.subscribers / pings
    });
    return {refused: false, variant: variant, facts: facts, beyond: outside, rank: 0};
  }

  function orMost(value) { return value === null ? Infinity : value; }

  function ranked(options, distinguishing) {
    let left = options.slice().sort(function (one, other) { return one.facts.core_count - other.facts.core_count; });
    const found = [];
    while (left.length) {
      const most = left[0].facts.core_count * distinguishing;
      const group = left.filter(function (one) { return one.facts.core_count <= most; });
      left = left.slice(group.length);
      group.sort(function (first, second) {
        const one = first.facts, other = second.facts;
        const held = orMost(one.memory_bytes), more = orMost(other.memory_bytes);
        if (held !== more) return held < more ? -1 : 1;
        return one.wire_bytes - other.wire_bytes || one.core_count - other.core_count;
      });
      const rank = found.length + 1;
      group.forEach(function (one) {
        one.rank = rank;
        Object.assign(one.facts, {place: rank, tie: group.length > 1 || null});
        found.push(one);
      });
    }
    return found;
  }

  function advise(data, need) {
    const considered = data.variants.map(function (variant) { return consider(data.rules, variant, need); });
    return {
      options: ranked(considered.filter(function (one) { return !one.refused; }), data.rules.distinguishing_factor),
      refused: considered.filter(function (one) { return one.refused; })
    };
  }

  /* From here on: words. The rules of numbers are those of bench/units.py and bench/advice/words.py. */
  function grouped(value, places) {
    return value.toLocaleString('en', {
      minimumFractionDigits: places || 0, maximumFractionDigits: places || 0, roundingMode: 'halfEven'
    });
  }

  function magnitude(value) { return Math.floor(Math.log10(value)); }

  function formatters(formats) {
    function number(value) {
      const up = value * formats.up;
      return up >= 100 ? grouped(up) : String(Number(up.toPrecision(3)));
    }
    function two(value) {
      const rounded = Number((value * formats.up).toPrecision(2));
      return rounded >= 10 ? grouped(rounded) : String(rounded);
    }
    function factor(value) {
      return grouped(value, Math.max(0, Math.min(2 - (value > 0 ? magnitude(value) : 0), 3))) + formats.times;
    }
    function listed(words) {
      const last = words[words.length - 1];
      return words.length === 1 ? last : words.slice(0, -1).join(formats.between[0]) + formats.between[1] + last;
    }
    function step(value, unit) {
      const steps = formats.scales[unit];
      return steps.find(function (one) { return value >= one[0] * formats.reaches; }) || steps[steps.length - 1];
    }
    function quantity(value, unit) {
      const on = step(value, unit), scaled = value / on[0];
      const most = on[1] in formats.most_decimals ? formats.most_decimals[on[1]] : 2;
      return grouped(scaled, value ? Math.min(Math.max(2 - magnitude(scaled), 0), most) : 0) + formats.space + on[1];
    }
    function rough(value, unit) {
      const on = step(value, unit);
      return two(value / on[0]) + formats.space + on[1];
    }
    const found = {
      number: number, two: two, factor: factor, listed: listed, whole: function (value) { return grouped(value); },
      percent: function (value) { return grouped(value * 100) + formats.space + '%'; }
    };
    Object.keys(formats.scales).forEach(function (unit) {
      found[unit] = function (value) { return quantity(value, unit); };
      found['two ' + unit] = function (value) { return rough(value, unit); };
    });
    return found;
  }

  function phrasing(data) {
    const format = formatters(data.formats), placeholder = /\{([\w ]+?)(\?)?(?::([\w ]+))?\}/g;
    function filled(alternative, facts) {
      const values = {};
      for (const found of alternative.matchAll(placeholder)) {
        const name = found[1], known = facts[name] === undefined ? null : facts[name];
        values[name] = known === null && name in data.phrases ? phrased(name, facts) : known;
        if (values[name] === null) return null;
      }
      return alternative.replace(placeholder, function (_, name, asks, how) {
        return asks ? '' : how ? format[how](values[name]) : String(values[name]);
      });
    }
    function phrased(phrase, facts) {
      for (const alternative of data.phrases[phrase]) {
        const words = filled(alternative, facts);
        if (words !== null) return words;
      }
      return null;
    }
    return {phrased: phrased, filled: filled};
  }

  function notes(data, words, one) {
    const found = one.beyond.map(function (outside) { return [outside.kind, words.phrased('outside', outside)]; });
    data.notes.forEach(function (kind) {
      const note = words.phrased(kind, one.facts);
      if (note) found.push([kind, note]);
    });
    return found;
  }

  function shared(data, rows) {
    const held = rows.map(function (row) { return new Map(row); }), common = new Map();
    (rows[0] || []).forEach(function (note) {
      const kind = note[0], counts = new Map();
      if (data.each.includes(kind) || !held.every(function (row) { return row.has(kind); })) return;
      held.forEach(function (row) { counts.set(row.get(kind), (counts.get(row.get(kind)) || 0) + 1); });
      const most = Array.from(counts).reduce(function (best, one) { return one[1] > best[1] ? one : best; });
      if (most[1] > 1) common.set(kind, most[0]);
    });
    return {
      common: Array.from(common.values()).join(data.formats.separator),
      rows: rows.map(function (row) {
        return row.filter(function (note) { return common.get(note[0]) !== note[1]; })
          .map(function (note) { return note[1]; }).join(data.formats.separator);
      })
    };
  }

  function furthest(options, sign) {
    return options.reduce(function (best, one) {
      return sign * one.facts.core_count > sign * best.facts.core_count ? one : best;
    });
  }

  function firstOf(data, words, options) {
    const first = options.filter(function (one) { return one.rank === 1; });
    const beaten = options.filter(function (one) { return one.rank > 1; });
    const fewest = furthest(first, -1), several = first.length > 1;
    const held = first[0].facts.memory_bytes, more = several ? first[1].facts.memory_bytes : null;
    const facts = {
      label: fewest.facts.label, labels: several ? first.map(function (one) { return one.facts.label; }) : null,
      fewest_cores: words.phrased('cores', fewest.facts), most_cores: words.phrased('bare_cores', furthest(first, 1).facts),
      lightest_label: held !== null && more !== null && more > data.rules.clearly * held ? first[0].facts.label : null
    };
    if (!beaten.length) return facts;
    const second = furthest(beaten, -1).facts;
    return Object.assign(facts, {
      next_label: second.label, times: second.core_count / fewest.facts.core_count,
      than_label: several ? fewest.facts.label : null, next_memory: words.phrased('held', second) || null
    });
  }

  function conclusion(data, words, options) {
    if (!options.length) return [words.phrased('nothing', {})];
    const product = options.find(function (one) { return one.variant.facts.product; });
    const facts = product && Object.assign({}, product.facts, {
      product_label: product.facts.label, product_cores: words.phrased('cores', product.facts)
    });
    return [words.phrased('conclusion', firstOf(data, words, options)), words.phrased('off_the_shelf', facts || {})];
  }

  function refusal(words, phrase, one) {
    return words.phrased(phrase, {label: one.variant.facts.label, because: words.phrased(one.reason, one.facts)});
  }

  /* Everything that is said about a need. */
  function worded(data, need) {
    const advice = advise(data, need), words = phrasing(data);
    const held = shared(data, advice.options.map(function (one) { return notes(data, words, one); }));
    return {
      advice: advice,
      conclusion: conclusion(data, words, advice.options),
      rows: advice.options.map(function (one) {
        return data.columns.map(function (column) { return words.filled('{' + column.phrase + '}', one.facts); });
      }),
      notes: held.rows,
      common: held.common ? words.phrased('common', {notes: held.common}) : '',
      refused: advice.refused.map(function (one) { return refusal(words, 'refused', one); })
    };
  }

  function command(data, need) {
    return data.fields.reduce(function (typed, field) {
      const value = need[field.name];
      return value === null ? typed : typed + ' --' + field.option + ' ' + value + field.unit;
    }, data.command);
  }

  if (typeof module === 'object' && module.exports) {
    module.exports = {advise: advise, worded: worded, command: command};
    return;
  }

  /* From here on: the page. */
  const data = document.getElementById('costs'), form = document.getElementById('advise-form');
  if (!data || !form) return;
  const costs = JSON.parse(data.textContent), words = phrasing(costs);
  const result = document.getElementById('advise-result'), typed = document.getElementById('advise-command');
  const presets = Array.from(form.querySelectorAll('button[data-preset]'));

  function add(parent, tag, text, kind) {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (kind) made.className = kind;
    parent.appendChild(made);
    return made;
  }

  function row(body, option, words, note) {
    const line = add(body, 'tr');
    words.forEach(function (text, place) {
      if (place) {
        add(line, 'td', text);
        return;
      }
      const head = add(line, 'th');
      head.scope = 'row';
      add(head, 'span', '', 'swatch ' + option.variant.swatch + (option.facts.product ? ' product' : ''));
      head.appendChild(document.createTextNode(text));
    });
    if (!note) return;
    const cell = add(add(body, 'tr', '', 'basis'), 'td');
    cell.colSpan = words.length;
    add(cell, 'span', note);
  }

  function told(need) {
    const said = worded(costs, need);
    result.replaceChildren();
    said.conclusion.forEach(function (text, place) {
      add(result, 'p', text, said.rows.length ? (place ? '' : 'conclusion') : 'alarm');
    });
    if (said.rows.length) {
      const box = add(result, 'div', '', 'wide advised');
      box.setAttribute('role', 'group');
      box.setAttribute('aria-label', 'Advice');
      box.tabIndex = 0;
      const table = add(box, 'table'), heads = add(add(table, 'thead'), 'tr');
      costs.columns.forEach(function (column) { add(heads, 'th', column.title).scope = 'col'; });
      const body = add(table, 'tbody');
      said.rows.forEach(function (words, place) { row(body, said.advice.options[place], words, said.notes[place]); });
    }
    if (said.common) add(result, 'p', said.common, 'note');
    said.refused.forEach(function (text) { add(result, 'p', text, 'note'); });
    typed.textContent = command(costs, need);
  }

  function asked() {
    const given = Object.fromEntries(new FormData(form).entries());
    const need = {};
    Object.keys(given).forEach(function (name) { need[name] = given[name] === '' ? null : Number(given[name]); });
    return need;
  }

  function mark(stale) {
    result.classList.toggle('stale', stale);
    result.setAttribute('aria-busy', String(stale));
  }

  /* Advice as soon as what is typed is a need; until then the old one is marked as such. */
  function show() {
    const need = asked(), field = form.elements.namedItem('fan_out');
    field.setCustomValidity(need.fan_out !== null && need.fan_out > need.subscribers
      ? words.phrased('fan-out', need) : '');
    const valid = form.checkValidity();
    mark(!valid);
    presets.forEach(function (button) {
      const held = costs.presets[Number(button.dataset.preset)];
      const same = Object.keys(held).every(function (name) { return held[name] === need[name]; });
      button.setAttribute('aria-pressed', String(same));
    });
    if (!valid) return;
    if (need.fan_out === null) need.fan_out = need.subscribers;
    told(need);
  }

  function fill(need) {
    Object.keys(need).forEach(function (name) {
      const field = form.elements.namedItem(name);
      if (field) field.value = need[name] === null ? '' : need[name];
    });
  }

  form.noValidate = true;
  form.addEventListener('input', show);
  form.addEventListener('submit', function (happened) { happened.preventDefault(); show(); form.reportValidity(); });
  presets.forEach(function (button) {
    button.addEventListener('click', function () { fill(costs.presets[Number(button.dataset.preset)]); show(); });
  });
  form.hidden = false;
  document.getElementById('advise-typical').hidden = true;
  fill(costs.presets[0]);
  show();
})();
