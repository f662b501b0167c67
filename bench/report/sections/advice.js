'use strict';
/* The form of the section "Advice". `advise` is pure and does what bench/advice/ranking.py does; a test compares them. */
(function () {
  function loadOf(costs, variant, need, interval) {
    const deliveries = need.subscribers * need.rate;
    const expected = need.rate * variant.hold_s;
    const longPolls = expected < 1e-9 ? need.subscribers / variant.hold_s : deliveries / -Math.expm1(-expected);
    const requests = {'push': 0, 'long poll': longPolls, 'poll': need.subscribers / interval}[variant.mechanism];
    return {
      subscribers: need.subscribers, publishes: deliveries / need.fan_out, deliveries: deliveries,
      payload_bytes: need.payload_bytes, upstream: need.subscribers * need.upstream_rate, requests: requests,
      fan_out: need.fan_out, spread: variant.mechanism === 'poll'
    };
  }

  function share(load, processes) {
    const part = 1 / processes;
    return Object.assign({}, load, {
      subscribers: load.subscribers * part, publishes: load.publishes * Math.min(1, load.fan_out * part),
      deliveries: load.deliveries * part, upstream: load.upstream * part, requests: load.requests * part,
      fan_out: Math.max(1, load.fan_out * part)
    });
  }

  /* As CPU_FEATURES and WIRE_FEATURES of bench/advice/costs.py. */
  function cpuAmounts(load, cooling) {
    const arrivals = Math.max(load.publishes, load.upstream);
    const cold = 1 / (1 + (arrivals + (load.spread ? load.requests : 0)) * cooling);
    return {
      process: 1, connections: load.spread ? 0 : load.subscribers, bursts: arrivals * cold, deliveries: load.deliveries,
      delivered_bytes: load.deliveries * load.payload_bytes, upstream: load.upstream, upstream_cold: load.upstream * cold,
      requests: load.requests, requests_cold: load.spread ? load.requests * cold : 0
    };
  }

  function wireAmounts(load) {
    return {
      deliveries: load.deliveries, delivered_bytes: load.deliveries * load.payload_bytes, upstream: load.upstream,
      requests: load.requests
    };
  }

  function total(prices, amounts) {
    return Object.keys(prices).reduce(function (sum, name) { return sum + prices[name] * amounts[name]; }, 0);
  }

  function cores(costs, variant, load) {
    return total(variant.cpu, cpuAmounts(load, costs.cooling_s));
  }

  function processesFor(costs, variant, load) {
    let processes = 1;
    while (processes <= costs.most_processes) {
      const used = cores(costs, variant, share(load, processes));
      if (used <= costs.full) return processes;
      processes = Math.max(processes + 1, Math.ceil(processes * used / costs.full));
    }
    return null;
  }

  function nearest(points, distance) {
    return points.reduce(function (best, point) {
      const apart = distance(point);
      return best === null || apart < best.apart ? {apart: apart, point: point} : best;
    }, null);
  }

  function serviceOf(variant, need) {
    const asked = need.subscribers / need.max_staleness_s;
    const found = nearest(variant.services, function (one) { return Math.abs(Math.log(asked / one.requests)); });
    return found === null ? 0 : found.point.service_ns;
  }

  function pushed(variant, load) {
    const found = nearest(variant.fresh, function (one) {
      return ['deliveries', 'publishes', 'payload_bytes', 'fan_out'].reduce(function (sum, name) {
        return load[name] > 0 && one[name] > 0 ? sum + Math.abs(Math.log(load[name] / one[name])) : sum;
      }, 0);
    });
    if (found === null) return null;
    const asked = variant.mechanism === 'long poll' ? variant.cpu.requests : 0;
    const delivery = variant.cpu.deliveries + variant.cpu.delivered_bytes * load.payload_bytes + asked;
    const wait = 1e9 * Math.max(0, load.fan_out - found.point.fan_out) * delivery;
    return {p50: found.point.p50_ns + 0.5 * wait, p99: found.point.p99_ns + 0.99 * wait,
      where: found.point.where, waited: 0.99 * wait};
  }

  function beyond(costs, variant, load) {
    const values = Object.assign({published: Math.max(0, load.publishes - load.upstream)}, load);
    return costs.dimensions.filter(function (one) {
      const value = values[one.name], range = variant.ranges[one.name];
      return value > costs.nothing && (!range || value < range[0] * (1 - 1e-9) || value > range[1] * (1 + 1e-9));
    }).map(function (one) {
      const value = values[one.name], range = variant.ranges[one.name] || null;
      const factor = range ? Math.max(value / range[1], range[0] / value) : Infinity;
      return {name: one.name, words: one.words, value: value, range: range, factor: factor};
    });
  }

  function roundedDown(seconds) {
    if (seconds <= 0) return 0;
    const scale = Math.pow(10, 2 - Math.floor(Math.log10(seconds)));
    return Math.floor(seconds * scale) / scale;
  }

  function tooOften(costs, variant, interval, service) {
    if (interval <= 0) return {refused: true, variant: variant, reason: 'a poll takes too long to be answered', late: service, where: costs.freshness};
    if (variant.shortest_poll_s === null || interval >= costs.shortest_poll * variant.shortest_poll_s) return null;
    return {refused: true, variant: variant, interval_s: interval, shortest_s: variant.shortest_poll_s};
  }

  function consider(costs, variant, need) {
    const polls = variant.mechanism === 'poll';
    if (need.upstream_rate && variant.posts === null) {
      return {refused: true, variant: variant, reason: 'what is sent upstream was not measured'};
    }
    const service = polls ? serviceOf(variant, need) : 0;
    const interval = roundedDown(need.max_staleness_s - service / 1e9);
    const often = polls ? tooOften(costs, variant, interval, service) : null;
    if (often) return often;
    const load = loadOf(costs, variant, need, interval);
    const processes = processesFor(costs, variant, load);
    if (processes === null) {
      return {refused: true, variant: variant, reason: 'more than ' + grouped(costs.most_processes) + ' server processes'};
    }
    const part = share(load, processes), used = processes * cores(costs, variant, part);
    if (need.cores !== null && processes > need.cores) {
      return {refused: true, variant: variant, cores: used, processes: processes};
    }
    const fresh = polls
      ? {p50: 0.5e9 * interval + service, p99: 0.99e9 * interval + service, where: ''}
      : pushed(variant, part);
    if (fresh === null) return {refused: true, variant: variant, reason: 'its latency was not measured'};
    if (!polls && fresh.p99 > need.max_staleness_s * 1e9) {
      return {refused: true, variant: variant, reason: '1 % of its messages come later', late: fresh.p99, where: fresh.where};
    }
    const memory = variant.memory, outside = beyond(costs, variant, part);
    const few = costs.open_files && part.subscribers > costs.open_files - costs.spare_files;
    return {
      refused: false, variant: variant, interval_s: polls ? interval : null, processes: processes, cores: used,
      memory_bytes: memory && processes * memory.base_bytes + need.subscribers * memory.subscriber_bytes,
      wire_bytes: (load.deliveries + load.upstream) * load.payload_bytes + total(variant.wire, wireAmounts(load)),
      requests: load.requests + load.upstream * (variant.posts || 0),
      p50_ns: fresh.p50, p99_ns: fresh.p99, where: fresh.where, waited_ns: fresh.waited || 0, beyond: outside,
      far: outside.some(function (one) { return one.factor > costs.far; }),
      open_files: few ? costs.open_files : null, held: part.subscribers, rank: 0, level: false
    };
  }

  function orMost(value) { return value === null ? Infinity : value; }

  function ranked(options, apart) {
    let left = options.slice().sort(function (one, other) { return one.cores - other.cores; });
    const found = [];
    while (left.length) {
      const most = left[0].cores * apart;
      const group = left.filter(function (option) { return option.cores <= most; });
      left = left.slice(group.length);
      group.sort(function (one, other) {
        const held = orMost(one.memory_bytes), more = orMost(other.memory_bytes);
        return held !== more ? (held < more ? -1 : 1) : one.wire_bytes - other.wire_bytes || one.cores - other.cores;
      });
      const rank = found.length + 1;
      group.forEach(function (option) { option.rank = rank; option.level = group.length > 1; found.push(option); });
    }
    return found;
  }

  function advise(costs, need) {
    const considered = costs.variants.map(function (variant) { return consider(costs, variant, need); });
    return {
      options: ranked(considered.filter(function (one) { return !one.refused; }), costs.apart),
      refused: considered.filter(function (one) { return one.refused; })
    };
  }

  /* From here on: words, as bench/advice/phrases.py and bench/units.py have them. */
  const SPACE = '\u00a0', TIMES = '\u00d7', DASH = '\u2013', UP = 1 + 1e-12;
  const DURATION = [[1e9, 's'], [1e6, 'ms'], [1e3, '\u00b5s'], [1, 'ns']];
  const WIRE = [[1e6, 'MB'], [1e3, 'kB'], [1, 'B']];
  const HELD = [[2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'B']];
  const FINEST = {B: 1, ns: 1};

  function grouped(value, places) {
    return value.toLocaleString('en', {
      minimumFractionDigits: places || 0, maximumFractionDigits: places || 0, roundingMode: 'halfEven'
    });
  }
  function number(value) {
    return value * UP >= 100 ? grouped(value * UP) : String(Number((value * UP).toPrecision(3)));
  }
  function two(value) {
    const rounded = Number((value * UP).toPrecision(2));
    return rounded >= 10 ? grouped(rounded) : String(rounded);
  }
  function roughly(value) { return 'about ' + two(value); }
  function factor(value) {
    const digits = value > 0 ? Math.floor(Math.log10(value)) : 0;
    return grouped(value, Math.max(0, Math.min(2 - digits, 3))) + TIMES;
  }
  function sized(value, steps, far) {
    if (value === null) return DASH;
    const step = steps.find(function (one) { return value >= one[0] * 0.9995; }) || steps[steps.length - 1];
    const scaled = value / step[0];
    if (far) return roughly(scaled) + SPACE + step[1];
    const digits = value ? Math.floor(Math.log10(scaled)) : 2;
    const finest = step[1] in FINEST ? FINEST[step[1]] : 2;
    return grouped(scaled, Math.min(Math.max(2 - digits, 0), finest)) + SPACE + step[1];
  }
  function duration(ns) { return sized(ns, DURATION, false); }
  function listed(words) {
    return words.length === 1 ? words[0] : words.slice(0, -1).join(', ') + ' and ' + words[words.length - 1];
  }

  function coresOf(option) { return option.far ? roughly(option.cores) : number(option.cores); }

  function cells(option) {
    const far = option.far, law = !option.where;
    return [
      option.rank + (option.level ? '=' : '') + ' ' + option.variant.label + (option.variant.product ? ' (product)' : ''),
      coresOf(option), sized(option.p50_ns, DURATION, far && !law), sized(option.p99_ns, DURATION, far && !law),
      sized(option.memory_bytes, HELD, far), sized(option.wire_bytes, WIRE, far),
      far && option.requests ? roughly(option.requests) : number(option.requests), grouped(option.processes),
      option.interval_s === null ? DASH : duration(option.interval_s * 1e9),
      option.variant.reconnect, option.variant.flask
    ];
  }

  function outside(one) {
    const words = number(one.value) + SPACE + one.words;
    if (!one.range) return words + ', none measured';
    return words + (one.value > one.range[1]
      ? ', at most ' + number(one.range[1]) + ' measured (' + number(one.factor) + TIMES + ')'
      : ', at least ' + number(one.range[0]) + ' measured (1/' + number(one.factor) + ')');
  }

  function notes(option, need) {
    const variant = option.variant, memory = variant.memory;
    const found = option.beyond.map(function (one) { return [one.name, outside(one)]; });
    if (option.processes > 1) found.push(['processes', 'several processes, one was measured']);
    if (option.open_files !== null) {
      found.push(['files', 'needs ' + number(option.held) + ' open files per process; the machine measured allows ' +
        grouped(option.open_files) + ' (ulimit -n)']);
    }
    if (variant.ping_interval_s !== null) {
      found.push(['pings', 'without ' + number(need.subscribers / variant.ping_interval_s) + ' pings per second']);
    }
    found.push(['basis', variant.basis]);
    if (memory) {
      found.push(['memory', 'memory from ' + costs.connection + ' at ' + grouped(memory.low) + ' to ' + grouped(memory.high) + ' subscribers']);
    }
    const waited = option.waited_ns ? ' and ' + duration(option.waited_ns) + ' of waiting in a larger fan-out, by law' : '';
    found.push(['fresh', option.where
      ? 'delays from the nearest load, ' + option.where + waited
      : 'delays from the law of polling']);
    return found;
  }

  function apart(costs, rows) {
    const held = rows.map(function (row) { return new Map(row); }), common = new Map();
    (rows[0] || []).forEach(function (note) {
      const kind = note[0], counts = new Map();
      if (costs.each.includes(kind) || !held.every(function (row) { return row.has(kind); })) return;
      held.forEach(function (row) { counts.set(row.get(kind), (counts.get(row.get(kind)) || 0) + 1); });
      const most = Array.from(counts).reduce(function (best, one) { return one[1] > best[1] ? one : best; });
      if (most[1] > 1) common.set(kind, most[0]);
    });
    return {
      common: Array.from(common.values()).join('; '),
      rows: rows.map(function (row) {
        return row.filter(function (note) { return common.get(note[0]) !== note[1]; })
          .map(function (note) { return note[1]; }).join('; ');
      })
    };
  }

  function least(options) {
    return options.reduce(function (best, one) { return one.cores < best.cores ? one : best; });
  }

  function firstOf(costs, options) {
    const first = options.filter(function (one) { return one.rank === 1; });
    const beaten = options.filter(function (one) { return one.rank > 1; });
    const fewest = least(first);
    const most = first.reduce(function (best, one) { return one.cores > best.cores ? one : best; });
    let said = fewest.variant.label + ' comes first with ' + coresOf(fewest) + ' cores';
    if (first.length > 1) {
      const held = first[0].memory_bytes, more = first[1].memory_bytes;
      const clear = held !== null && more !== null && more > costs.clearly * held;
      said = listed(first.map(function (one) { return one.variant.label; })) + ' cannot be told apart by cores (' +
        coresOf(fewest) + ' to ' + coresOf(most).replace('about ', '') + ')' +
        (clear ? '; ' + first[0].variant.label + ' holds the least memory of them' : '');
    }
    if (!beaten.length) return said + '.';
    const second = least(beaten);
    const whose = first.length > 1 ? ' of ' + fewest.variant.label : '';
    const held = second.memory_bytes === null ? '' : ', ' + sized(second.memory_bytes, HELD, second.far);
    return said + '; next best: ' + second.variant.label + ', ' + factor(second.cores / fewest.cores) +
      ' the cores' + whose + held + '.';
  }

  function conclusion(costs, options) {
    if (!options.length) return [costs.nothing_meets];
    const product = options.find(function (one) { return one.variant.product; });
    const ready = product
      ? product.variant.label + ' with ' + coresOf(product) + ' cores'
      : 'none of those measured meets this need';
    const unpinged = product && product.variant.ping_interval_s ? costs.pinged : '';
    return [firstOf(costs, options), 'Best off the shelf: ' + ready + unpinged + '.'];
  }

  function because(costs, one, need) {
    if (one.cores !== undefined) {
      const whole = one.cores <= need.cores ? ' in ' + grouped(one.processes) + ' processes busy ' +
        Math.round(costs.full * 100) + SPACE + '% at most' : '';
      return 'needs ' + number(one.cores) + ' cores' + whole + '; there ' + (need.cores === 1 ? 'is ' : 'are ') +
        grouped(need.cores);
    }
    if (one.interval_s !== undefined) {
      return 'would have to poll every ' + duration(one.interval_s * 1e9) + '; the shortest interval measured is ' +
        duration(one.shortest_s * 1e9);
    }
    const nearestLoad = one.where ? ' (nearest: ' + one.where + ')' : '';
    return one.reason + (one.late === undefined ? '' : ': ' + duration(one.late) + nearestLoad);
  }

  /* Everything that is said about a need. */
  function worded(costs, need) {
    const advice = advise(costs, need);
    return {
      advice: advice,
      conclusion: conclusion(costs, advice.options),
      rows: advice.options.map(cells),
      notes: apart(costs, advice.options.map(function (option) { return notes(option, need); })),
      refused: advice.refused.map(function (one) { return one.variant.label + ': ' + because(costs, one, need); })
    };
  }

  function command(costs, need) {
    const words = ['python -m bench advise', costs.run];
    [['subscribers', need.subscribers, ''], ['rate', need.rate, ''], ['fan-out', need.fan_out, ''],
      ['payload', need.payload_bytes, ''], ['upstream-rate', need.upstream_rate, ''],
      ['max-staleness', need.max_staleness_s, 's'], ['cores', need.cores, '']].forEach(function (one) {
      if (one[1] !== null) words.push('--' + one[0] + ' ' + one[1] + one[2]);
    });
    return words.join(' ');
  }

  if (typeof module === 'object' && module.exports) {
    module.exports = {advise: advise, worded: worded, command: command};
    return;
  }

  /* From here on: the page. */
  const data = document.getElementById('costs'), form = document.getElementById('advise-form');
  if (!data || !form) return;
  const costs = JSON.parse(data.textContent);
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
      add(head, 'span', '', 'swatch ' + option.variant.swatch + (option.variant.product ? ' product' : ''));
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
      costs.columns.forEach(function (words) { add(heads, 'th', words).scope = 'col'; });
      const body = add(table, 'tbody');
      said.rows.forEach(function (words, place) { row(body, said.advice.options[place], words, said.notes.rows[place]); });
    }
    if (said.notes.common) add(result, 'p', 'True of every row that does not say otherwise: ' + said.notes.common + '.', 'note');
    said.refused.forEach(function (text) { add(result, 'p', 'Not advised: ' + text + '.', 'note'); });
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
      ? 'A message goes to ' + need.subscribers + ' subscribers at most.' : '');
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
