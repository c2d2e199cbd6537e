// Draws the dice: a stone with ten sides around the number that it shows.

const SIDE = 214; // with room for the shadow
const CORNERS = 10;
const COLOURS = {
  idle: { light: ["#f2fbf8", "#0f8f7c", "#075247"], dark: ["#86dccb", "#1f8a79", "#0b463d"] },
  won: { light: ["#eafbef", "#22a052", "#0c5a2b"], dark: ["#9cf0b6", "#2a9a55", "#0f4d28"] },
  lost: { light: ["#fdeceb", "#c2483f", "#7a1f19"], dark: ["#f2aaa4", "#ad4138", "#571c17"] },
};

/**
 * Draw the dice.
 *
 * @param canvas Where it is drawn.
 * @param number The number that it shows, as text.
 * @param turn How far it has turned, in radians.
 * @param mood `idle`, `won` or `lost`.
 */
export function drawDie(canvas, number, turn, mood) {
  const pen = canvas.getContext("2d");
  const scale = (canvas.clientHeight * devicePixelRatio) / SIDE || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
  const height = Math.max(1, Math.round(canvas.clientHeight * devicePixelRatio));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const [bright, middle, deep] = COLOURS[mood][isDark ? "dark" : "light"];
  pen.setTransform(scale, 0, 0, scale, width / 2, height / 2);
  pen.clearRect(-width, -height, 2 * width, 2 * height);
  drawStone(pen, turn, scale, [bright, middle, deep]);
  drawNumber(pen, number);
}

function drawStone(pen, turn, scale, [bright, middle, deep]) {
  const corner = (place, radius) => {
    const angle = turn + (place * 2 * Math.PI) / CORNERS;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  };
  pen.save();
  pen.shadowColor = "#00000055";
  pen.shadowBlur = 12 * scale;
  pen.shadowOffsetY = 6 * scale; // shadows do not follow the scale of the pen
  pen.fillStyle = deep;
  pen.beginPath();
  for (let place = 0; place < CORNERS; place += 1) {
    pen.lineTo(...corner(place, 88));
  }
  pen.closePath();
  pen.fill();
  pen.restore();
  for (let place = 0; place < CORNERS; place += 1) {
    const [x, y] = corner(place + 0.5, 70);
    // The light comes from the top left, and does not turn with the stone.
    const light = (-x - 1.6 * y) / 132;
    pen.fillStyle = mixed(light > 0 ? middle : deep, light > 0 ? bright : middle, light > 0 ? light * 0.75 : 1 + light);
    pen.beginPath();
    pen.moveTo(...corner(place, 88));
    pen.lineTo(...corner(place + 1, 88));
    pen.lineTo(...corner(place + 1, 62));
    pen.lineTo(...corner(place, 62));
    pen.closePath();
    pen.fill();
  }
  const face = pen.createRadialGradient(-20, -26, 6, 0, 0, 66);
  face.addColorStop(0, mixed(middle, deep, 0.35));
  face.addColorStop(1, mixed(deep, "#000000", 0.12));
  pen.fillStyle = face;
  pen.beginPath();
  for (let place = 0; place < CORNERS; place += 1) {
    pen.lineTo(...corner(place, 62));
  }
  pen.closePath();
  pen.fill();
  pen.strokeStyle = "#ffffff2e";
  pen.lineWidth = 1.5;
  pen.stroke();
}

function drawNumber(pen, number) {
  pen.fillStyle = "#ffffff";
  pen.font = "700 32px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(number, 0, 2);
}

/** Return a colour between two colours. */
function mixed(from, to, share) {
  const part = Math.min(Math.max(share, 0), 1);
  const parts = [1, 3, 5].map((place) => {
    const [one, other] = [from, to].map((colour) => parseInt(colour.slice(place, place + 2), 16));
    return Math.round(one + (other - one) * part);
  });
  return `rgb(${parts.join(", ")})`;
}
