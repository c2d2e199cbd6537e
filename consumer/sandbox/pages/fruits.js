// Draws the fruits. Each symbol fills a square of 100 by 100.

import { glaze, radial, shade, shine } from "./brush.js";

const LEAF = ["#7fd08a", "#2f8f4e", "#1d6b3a"];

function leaf(pen, x, y, angle, length) {
  pen.save();
  pen.translate(x, y);
  pen.rotate(angle);
  const path = new Path2D();
  path.moveTo(0, 0);
  path.bezierCurveTo(length * 0.25, -length * 0.42, length * 0.75, -length * 0.38, length, 0);
  path.bezierCurveTo(length * 0.75, length * 0.3, length * 0.3, length * 0.34, 0, 0);
  pen.fillStyle = shade(pen, 0, -length * 0.35, 0, length * 0.3, LEAF);
  pen.fill(path);
  pen.strokeStyle = "#ffffff66";
  pen.lineWidth = 1.4;
  pen.beginPath();
  pen.moveTo(length * 0.08, 0);
  pen.quadraticCurveTo(length * 0.5, -length * 0.1, length * 0.92, 0);
  pen.stroke();
  pen.restore();
}

function stem(pen, ...points) {
  pen.strokeStyle = "#5c7a35";
  pen.lineWidth = 3.6;
  pen.lineCap = "round";
  pen.beginPath();
  pen.moveTo(points[0], points[1]);
  pen.bezierCurveTo(...points.slice(2));
  pen.stroke();
}

export function cherry(pen) {
  stem(pen, 31, 62, 33, 42, 45, 24, 64, 13);
  stem(pen, 68, 66, 72, 46, 69, 28, 64, 13);
  leaf(pen, 63, 14, 0.42, 30);
  leaf(pen, 62, 13, 3.0, 24);
  for (const [x, y, radius] of [[69, 72, 18.5], [30, 68, 20]]) {
    const path = new Path2D();
    // Two lobes meet where the stem is.
    path.moveTo(x, y - radius * 0.82);
    path.bezierCurveTo(x + radius * 0.75, y - radius * 1.25, x + radius * 1.3, y - radius * 0.1, x + radius * 0.85, y + radius * 0.55);
    path.bezierCurveTo(x + radius * 0.5, y + radius * 1.1, x - radius * 0.5, y + radius * 1.1, x - radius * 0.85, y + radius * 0.55);
    path.bezierCurveTo(x - radius * 1.3, y - radius * 0.1, x - radius * 0.75, y - radius * 1.25, x, y - radius * 0.82);
    pen.fillStyle = radial(pen, x - radius * 0.35, y - radius * 0.4, radius * 1.75, ["#ff8a80", "#e0233c", "#8c0d25"]);
    pen.fill(path);
    glaze(pen, path, "#5e071a");
    shine(pen, x - radius * 0.42, y - radius * 0.38, radius * 0.3, radius * 0.19, -0.6);
  }
}

export function lemon(pen) {
  pen.save();
  pen.translate(50, 54);
  pen.rotate(-0.42);
  const path = new Path2D();
  path.moveTo(-43, 0);
  path.bezierCurveTo(-38, -5, -36, -11, -31, -17);
  path.bezierCurveTo(-17, -33, 16, -33, 30, -17);
  path.bezierCurveTo(34, -11, 37, -5, 43, -1);
  path.bezierCurveTo(45, 1, 44, 4, 41, 5);
  path.bezierCurveTo(36, 8, 34, 13, 30, 17);
  path.bezierCurveTo(16, 33, -17, 33, -31, 17);
  path.bezierCurveTo(-36, 11, -38, 6, -43, 4);
  path.bezierCurveTo(-46, 3, -46, 1, -43, 0);
  pen.fillStyle = radial(pen, -10, -14, 58, ["#fffbc2", "#ffd93b", "#e09a00"]);
  pen.fill(path);
  glaze(pen, path, "#a86a00");
  pen.fillStyle = "#c9860055";
  for (const [x, y] of [[-8, 10], [6, 4], [14, 14], [-20, 4], [22, -2], [2, 18], [-14, -2], [12, -8]]) {
    pen.beginPath();
    pen.arc(x, y, 1.2, 0, Math.PI * 2);
    pen.fill();
  }
  shine(pen, -13, -15, 11, 5, -0.3);
  pen.restore();
  leaf(pen, 84, 34, -2.5, 30);
}

export function plum(pen) {
  stem(pen, 50, 30, 50, 22, 52, 16, 57, 11);
  leaf(pen, 53, 20, -0.25, 31);
  const path = new Path2D();
  path.moveTo(50, 27);
  path.bezierCurveTo(70, 17, 90, 34, 86, 60);
  path.bezierCurveTo(83, 82, 65, 92, 50, 91);
  path.bezierCurveTo(35, 92, 17, 82, 14, 60);
  path.bezierCurveTo(10, 34, 30, 17, 50, 27);
  pen.fillStyle = radial(pen, 36, 44, 62, ["#c9a2ff", "#7a3fd0", "#3a1378"]);
  pen.fill(path);
  glaze(pen, path, "#270a57");
  pen.strokeStyle = "#2c0d6288";
  pen.lineWidth = 3;
  pen.lineCap = "round";
  pen.beginPath();
  pen.moveTo(50, 29);
  pen.bezierCurveTo(60, 44, 61, 68, 53, 87);
  pen.stroke();
  shine(pen, 33, 46, 8.5, 12, 0.45);
}
