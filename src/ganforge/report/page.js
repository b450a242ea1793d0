
"use strict";
document.documentElement.classList.add("script");

const numbers = JSON.parse(document.getElementById("numbers").textContent);
const panels = Object.entries(numbers.panels).map(([key, told]) => {
  const figure = document.getElementById(`panel-${key}`);
  const shown = [...figure.querySelectorAll("[data-value]")];
  return {
    ...told,
    figure,
    shown,
    atRest: shown.map((place) => place.textContent),
    plot: figure.querySelector(".plot"),
    cross: figure.querySelector(".cross"),
    at: figure.querySelector(".at"),
    spoken: figure.querySelector("output"),
  };
});

const kimg = (nimg) => {
  const digits = nimg > 0 && nimg < 1e6 ? 1 : 0;
  return `${(nimg / 1000).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} kimg`;
};

/* The index of the moment nearest to nimg, in a list that grows. */
function nearest(moments, nimg) {
  let low = 0;
  let high = moments.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (moments[middle] <= nimg) low = middle;
    else high = middle;
  }
  return nimg - moments[low] <= moments[high] - nimg ? low : high;
}

/* One line through every curve at nimg, and the values there. */
function show(nimg) {
  for (const panel of panels) {
    const x = `${(100 * Math.min(1, nimg / (panel.span || 1))).toFixed(3)}%`;
    panel.cross.setAttribute("x1", x);
    panel.cross.setAttribute("x2", x);
    panel.cross.setAttribute("visibility", "visible");
    const index = nearest(panel.x, nimg);
    panel.at.textContent = `at ${kimg(panel.x[index])}`;
    panel.shown.forEach((place, line) => { place.textContent = panel.values[line][index]; });
  }
}

function rest() {
  for (const panel of panels) {
    panel.cross.setAttribute("visibility", "hidden");
    panel.at.textContent = "";
    panel.shown.forEach((place, line) => { place.textContent = panel.atRest[line]; });
  }
}

function speak(panel, index) {
  const values = panel.names.map((name, line) => `${name} ${panel.values[line][index]}`);
  const marks = numbers.marks.filter(([nimg]) => nearest(panel.x, nimg) === index).map(([, words]) => words);
  panel.spoken.textContent = [`${kimg(panel.x[index])}: ${values.join("; ")}`, ...marks].join(". ");
}

for (const panel of panels) {
  let index = panel.x.length - 1;
  panel.plot.addEventListener("pointermove", (event) => {
    const box = panel.plot.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    index = nearest(panel.x, share * panel.span);
    show(panel.x[index]);
  });
  panel.plot.addEventListener("pointerleave", rest);
  panel.figure.addEventListener("blur", rest);
  panel.figure.addEventListener("keydown", (event) => {
    const last = panel.x.length - 1;
    const steps = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: last };
    if (!(event.key in steps)) return;
    event.preventDefault();
    index = Math.min(last, Math.max(0, steps[event.key]));
    show(panel.x[index]);
    speak(panel, index);
  });
}

/* The film: one large picture out of the strip. */
const slider = document.getElementById("time");
if (slider) {
  const pictures = [...document.querySelectorAll(".strip img")];
  const screen = document.getElementById("screen");
  const moment = document.getElementById("moment");
  const play = document.getElementById("play");
  let timer = 0;

  const turn = (index) => {
    const picture = pictures[index];
    const words = kimg(Number(picture.dataset.nimg));
    screen.src = picture.src;
    screen.alt = `samples after ${words}`;
    slider.value = String(index);
    slider.setAttribute("aria-valuetext", words);
    moment.textContent = words;
    pictures.forEach((one, other) => one.parentElement.classList.toggle("now", other === index));
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  };
  const toggle = () => {
    if (timer) {
      stop();
      return;
    }
    const last = pictures.length - 1;
    if (Number(slider.value) === last) turn(0);
    play.textContent = "Pause";
    timer = setInterval(() => {
      const next = Number(slider.value) + 1;
      if (next <= last) turn(next);
      if (next >= last) stop();
    }, 400);
  };

  const choose = (index) => {
    stop();
    turn(index);
    show(Number(pictures[index].dataset.nimg));
  };
  slider.addEventListener("input", () => choose(Number(slider.value)));
  slider.addEventListener("blur", rest);
  play.addEventListener("click", toggle);
  pictures.forEach((picture, index) => picture.parentElement.addEventListener("click", () => choose(index)));
  document.querySelector(".screen").hidden = false;
  turn(pictures.length - 1);
}
