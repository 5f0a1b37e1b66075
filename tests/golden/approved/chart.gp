$s0 <<END
0.2 80 79 81
0.5 86 85.5 86.5
1 88 87.9 88.1
END
$s1 <<END
0.2 80
1.05 88
END
$s2 <<END
1 88.5
END
$s3 <<END
0.33 84
END
set encoding utf8
set border 3 linewidth 1 linecolor '#444444'
set tics out scale 0.6 textcolor '#222222'
set format '%g'
set grid linetype 1 linewidth 0.5 linecolor '#E3E3E3'
set lmargin 9
set rmargin 3
set label 'it''s `date` "quoted" a_b^c' at graph 0, graph 1 offset 0, 2.1 left font ',16' textcolor '#222222'
set label 'n = 3' at graph 0, graph 1 offset 0, 0.75 left font ',12' textcolor '#666666'
set tmargin 3.3
set xrange [0.166:1.084]
set yrange [78.62:88.88]
set xtics 0.25 nomirror
set ytics 2 nomirror
set arrow from first 0.25, graph 0 to first 0.25, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor '#8A8A8A'
set arrow from first 0.5, graph 0 to first 0.5, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor '#8A8A8A'
set arrow from first 0.75, graph 0 to first 0.75, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor '#8A8A8A'
set arrow from first 1, graph 0 to first 1, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor '#8A8A8A'
set xlabel 'cost'
set ylabel 'accuracy in %'
set key inside bottom right opaque box linecolor '#D8D8D8' linewidth 0.5 Left reverse samplen 2 spacing 1.2 width 1 height 0.3
set terminal svg size 760,500 noenhanced font 'Helvetica,14' background '#FFFFFF'
set output 'out/it''s.svg'
plot $s0 using 1:3:4 with filledcurves fillcolor '#0072B2' fill transparent solid 0.18 noborder notitle, \
     $s0 using 1:2 with lines linecolor '#0072B2' linewidth 2 title 'mixed', \
     $s1 using 1:2 with points pointtype 7 pointsize 1.05 linecolor '#FFFFFF' notitle, \
     $s1 using 1:2 with points pointtype 7 pointsize 0.8 linecolor '#0072B2' notitle, \
     $s2 using 1:2 with points pointtype 2 pointsize 1.3 linewidth 2.5 linecolor '#000000' title 'plain', \
     $s3 using 1:2 with points pointtype 1 pointsize 1.3 linewidth 2.5 linecolor '#CC79A7' title 'rival'
set terminal pngcairo size 1520,1000 noenhanced font 'Helvetica,14' background '#FFFFFF' fontscale 1.5 linewidth 2 pointscale 2.6
set output 'out/it''s.png'
replot
set output
