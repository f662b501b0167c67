'use strict';
/* The form of the section "Advice". `advise` is pure and does what bench/analysis/advice.py does; a test compares them. */
(function () {
  function loadOf(costs, variant, need, interval) {
    const deliveries = need.subscribers * need.rate;
    const expected = need.rate * variant.hold_s;
    const waits = expected < 1e-9 ? need.subscribers / variant.hold_s : deliveries / -Math.expm1(-expected);
    const requests = {pushes: 0, waits: waits, polls: need.subscribers / interval}[variant.way];
    return {
      subscribers: need.subscribers, publishes: deliveries / need.fan_out, deliveries: deliveries,
      payload_bytes: need.payload_bytes, upstream: need.subscribers * need.upstream_rate, requests: requests,
      fan_out: need.fan_out, spread: variant.way === 'polls'
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

  /* As CPU_FEATURES and WIRE_FEATURES of bench/analysis/costs.py. */
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
    const asked = variant.way === 'waits' ? variant.cpu.requests : 0;
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
      return {name: one.name, words: one.words, value: values[one.name], range: variant.ranges[one.name] || null};
    });
  }

  function consider(costs, variant, need) {
    const polls = variant.way === 'polls';
    if (need.upstream_rate && variant.posts === null) {
      return {refused: true, variant: variant, reason: 'what is sent upstream was not measured'};
    }
    const service = polls ? serviceOf(variant, need) : 0;
    const interval = Math.floor((need.max_staleness_s - service / 1e9) * 1000) / 1000;
    if (polls && interval < costs.shortest_poll_s) {
      return {refused: true, variant: variant, reason: 'a poll takes too long to be answered', late: service};
    }
    const load = loadOf(costs, variant, need, interval);
    const processes = processesFor(costs, variant, load);
    if (processes === null) {
      return {refused: true, variant: variant, reason: 'more than ' + costs.most_processes + ' server processes'};
    }
    const part = share(load, processes);
    const fresh = polls
      ? {p50: 0.5e9 * interval + service, p99: 0.99e9 * interval + service, where: ''}
      : pushed(variant, part);
    if (fresh === null) return {refused: true, variant: variant, reason: 'its latency was not measured'};
    if (!polls && fresh.p99 > need.max_staleness_s * 1e9) {
      return {refused: true, variant: variant, reason: '1 % of its messages come later', late: fresh.p99, where: fresh.where};
    }
    const memory = variant.memory;
    return {
      refused: false, variant: variant, interval_s: polls ? interval : null, processes: processes,
      cores: processes * cores(costs, variant, part),
      memory_bytes: memory && processes * memory.base_bytes + need.subscribers * memory.subscriber_bytes,
      wire_bytes: (load.deliveries + load.upstream) * load.payload_bytes + total(variant.wire, wireAmounts(load)),
      requests: load.requests + load.upstream * (variant.posts || 0),
      p50_ns: fresh.p50, p99_ns: fresh.p99, where: fresh.where, waited_ns: fresh.waited || 0, beyond: beyond(costs, variant, part),
      fits: need.cores === null || processes <= need.cores, level: false
    };
  }

  function orMost(value) { return value === null ? Infinity : value; }

  function ranked(options, error) {
    let left = options.slice().sort(function (one, other) { return one.cores - other.cores; });
    const found = [];
    while (left.length) {
      const most = left[0].cores * (1 + error);
      const group = left.filter(function (option) { return option.cores <= most; });
      left = left.slice(group.length);
      group.sort(function (one, other) {
        const held = orMost(one.memory_bytes), more = orMost(other.memory_bytes);
        return held !== more ? (held < more ? -1 : 1) : one.wire_bytes - other.wire_bytes || one.cores - other.cores;
      });
      group.forEach(function (option, place) { option.level = place > 0; found.push(option); });
    }
    return found;
  }

  function advise(costs, need) {
    const considered = costs.variants.map(function (variant) { return consider(costs, variant, need); });
    return {
      options: ranked(considered.filter(function (one) { return !one.refused; }), costs.error || 0),
      refused: considered.filter(function (one) { return one.refused; })
    };
  }

  if (typeof module === 'object' && module.exports) {
    module.exports = {advise: advise};
    return;
  }

  /* From here on: the page. */
  const data = document.getElementById('costs'), form = document.getElementById('advise-form');
  if (!data || !form) return;
  const costs = JSON.parse(data.textContent);
  const result = document.getElementById('advise-result');

  function scaled(value, steps) {
    const step = steps.find(function (one) { return Math.abs(value) >= one[0] * 0.9995; }) || steps[steps.length - 1];
    return number(value / step[0]) + '\u00a0' + step[1];
  }
  function number(value) {
    if (value >= 100) return Math.round(value).toLocaleString('en');
    return String(Number(value.toPrecision(3)));
  }
  function duration(ns) { return scaled(ns, [[1e9, 's'], [1e6, 'ms'], [1e3, '\u00b5s'], [1, 'ns']]); }
  function interval(s) { return s < 1 ? Math.round(s * 1000) + '\u00a0ms' : s.toLocaleString('en') + '\u00a0s'; }
  function wire(size) { return scaled(size, [[1e6, 'MB'], [1e3, 'kB'], [1, 'B']]); }
  function held(size) {
    return size === null ? '\u2013' : scaled(size, [[2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'B']]);
  }

  function add(parent, tag, text, kind) {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (kind) made.className = kind;
    parent.appendChild(made);
    return made;
  }

  function outside(option) {
    const found = option.beyond.map(function (one) {
      const range = one.range ? 'measured: ' + number(one.range[0]) + ' to ' + number(one.range[1]) : 'none measured';
      return number(one.value) + ' ' + one.words + ' (' + range + ')';
    });
    if (option.processes > 1) found.push('more than one server process (one was measured)');
    return found.join('; ');
  }

  function row(body, option, need) {
    const line = add(body, 'tr'), head = add(line, 'th');
    head.scope = 'row';
    add(head, 'span', '', 'swatch ' + option.variant.swatch + (option.variant.product ? ' product' : ''));
    head.appendChild(document.createTextNode(option.variant.label));
    if (option.variant.product) add(head, 'small', 'product');
    if (option.level) add(head, 'small', 'level with the one above');
    const room = option.fits ? '' : ' (more than ' + need.cores + ' cores)';
    [option.interval_s === null ? '\u2013' : interval(option.interval_s), number(option.cores),
      option.processes + room, held(option.memory_bytes), wire(option.wire_bytes), number(option.requests),
      duration(option.p50_ns), duration(option.p99_ns)].forEach(function (text) { add(line, 'td', text); });
    const beyond = outside(option), where = option.where ? 'the nearest load, ' + option.where : 'the law of polling';
    add(line, 'td', beyond ? 'yes' : 'no');
    const basis = add(add(body, 'tr', '', 'basis'), 'td', option.variant.basis + '; p50 and p99 from ' + where +
      (option.waited_ns ? ' and ' + duration(option.waited_ns) + ' of waiting in a larger fan-out, by law' : '') +
      (beyond ? '. Extrapolated: ' + beyond : ''));
    basis.colSpan = costs.columns.length;
  }

  function told(need) {
    const advice = advise(costs, need);
    result.replaceChildren();
    if (advice.options.length) {
      const box = add(result, 'div', '', 'wide advised');
      box.setAttribute('role', 'group');
      box.setAttribute('aria-label', 'Advice');
      box.tabIndex = 0;
      const table = add(box, 'table'), heads = add(add(table, 'thead'), 'tr');
      costs.columns.forEach(function (words) { add(heads, 'th', words).scope = 'col'; });
      const body = add(table, 'tbody');
      advice.options.forEach(function (option) { row(body, option, need); });
      const first = advice.options[0], next = advice.options.find(function (one, at) { return at > 0 && !one.level; });
      const apart = next ? ' ' + next.variant.label + ' needs ' + number(next.cores / first.cores) + '\u00d7 the cores.' : '';
      add(result, 'p', first.variant.label + ' comes first with ' + number(first.cores) + ' server cores.' + apart);
    } else {
      add(result, 'p', 'Nothing that was measured meets this need.', 'alarm');
    }
    advice.refused.forEach(function (one) {
      const late = one.late === undefined ? '' : ': ' + duration(one.late) + (one.where ? ' (nearest: ' + one.where + ')' : '');
      add(result, 'p', one.variant.label + ' is not advised: ' + one.reason + late + '.', 'note');
    });
  }

  function asked() {
    const typed = Object.fromEntries(new FormData(form).entries());
    const need = {};
    Object.keys(typed).forEach(function (name) { need[name] = typed[name] === '' ? null : Number(typed[name]); });
    if (need.fan_out === null) need.fan_out = need.subscribers;
    return need;
  }

  function show() {
    if (!form.reportValidity()) return;
    const need = asked();
    if (need.fan_out > need.subscribers) {
      result.replaceChildren();
      add(result, 'p', 'A message goes to ' + need.subscribers + ' subscribers at most.', 'alarm');
      return;
    }
    told(need);
  }

  function fill(need) {
    Object.keys(need).forEach(function (name) {
      const field = form.elements.namedItem(name);
      if (field) field.value = need[name] === null ? '' : need[name];
    });
  }

  form.addEventListener('submit', function (happened) { happened.preventDefault(); show(); });
  form.querySelectorAll('button[data-preset]').forEach(function (button) {
    button.addEventListener('click', function () { fill(costs.presets[Number(button.dataset.preset)]); show(); });
  });
  form.hidden = false;
  document.getElementById('advise-typical').hidden = true;
  fill(costs.presets[0]);
  show();
})();
