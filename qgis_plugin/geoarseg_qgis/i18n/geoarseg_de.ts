<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de">
<context>
    <name>geoarseg</name>
    <message>
        <source>Land cover</source>
        <translation>Landbedeckung</translation>
    </message>
    <message>
        <source>The disk of {folder} has {free:.1f} GB left, but about {needed:.1f} GB are needed.</source>
        <translation>Auf dem Datenträger von {folder} sind noch {free:.1f} GB frei, gebraucht werden aber etwa {needed:.1f} GB.</translation>
    </message>
    <message>
        <source>Compare with K-means</source>
        <translation>Mit K-Means vergleichen</translation>
    </message>
    <message>
        <source>Maps a labelled image by several methods, and scores each of them.</source>
        <translation>Kartiert ein Bild, für das es Referenzdaten gibt, mit mehreren Verfahren und bewertet jedes davon.</translation>
    </message>
    <message>
        <source>Maps an image by several methods, each with as many classes as the labels have, and scores every map against the labels. The labels only score: no method learns from them.

The folder then holds a table, a picture of all maps, and the maps. A comparison that was cancelled goes on where it was when it is started again with the same parameters.</source>
        <translation>Kartiert ein Bild mit mehreren Verfahren, jedes mit so vielen Klassen, wie die Referenzdaten haben, und bewertet jede Karte anhand der Referenzdaten. Diese dienen nur der Bewertung: Kein Verfahren lernt aus ihnen.

Der Ordner enthält danach eine Tabelle, ein Bild aller Karten und die Karten selbst. Ein abgebrochener Vergleich geht dort weiter, wo er war, wenn er mit denselben Parametern erneut gestartet wird.</translation>
    </message>
    <message>
        <source>k-means,kmeans,cluster,unsupervised,accuracy,comparison,land cover</source>
        <translation>K-Means,kmeans,Cluster,unüberwacht,Genauigkeit,Vergleich,Landbedeckung</translation>
    </message>
    <message>
        <source>K-means</source>
        <translation>K-Means</translation>
    </message>
    <message>
        <source>autoregressive clustering (geoarseg)</source>
        <translation>autoregressives Clustering (geoarseg)</translation>
    </message>
    <message>
        <source>Gaussian mixture, full</source>
        <translation>Gauß-Mischung, volle Kovarianz</translation>
    </message>
    <message>
        <source>Gaussian mixture, tied</source>
        <translation>Gauß-Mischung, gemeinsame Kovarianz</translation>
    </message>
    <message>
        <source>random network</source>
        <translation>zufälliges Netz</translation>
    </message>
    <message>
        <source>Labels</source>
        <translation>Referenzdaten</translation>
    </message>
    <message>
        <source>Methods</source>
        <translation>Verfahren</translation>
    </message>
    <message>
        <source>Seeds, such as 0,1,2: one trial of each method for each</source>
        <translation>Startwerte, etwa 0,1,2: ein Versuch jedes Verfahrens für jeden</translation>
    </message>
    <message>
        <source>Label values that are not scored, such as 0,255</source>
        <translation>Referenzwerte, die nicht bewertet werden, etwa 0,255</translation>
    </message>
    <message>
        <source>Folder for the results</source>
        <translation>Ordner für die Ergebnisse</translation>
    </message>
    <message>
        <source>Table</source>
        <translation>Tabelle</translation>
    </message>
    <message>
        <source>Picture of all maps</source>
        <translation>Bild aller Karten</translation>
    </message>
    <message>
        <source>The labels must be a file.</source>
        <translation>Die Referenzdaten müssen eine Datei sein.</translation>
    </message>
    <message>
        <source>The seeds must be whole numbers with commas between.</source>
        <translation>Die Startwerte müssen ganze Zahlen sein, durch Kommas getrennt.</translation>
    </message>
    <message>
        <source>The values that are not scored must be whole numbers with commas between.</source>
        <translation>Die Werte, die nicht bewertet werden, müssen ganze Zahlen sein, durch Kommas getrennt.</translation>
    </message>
    <message>
        <source>Choose one method or more.</source>
        <translation>Wählen Sie mindestens ein Verfahren.</translation>
    </message>
    <message>
        <source>Evaluate against labels</source>
        <translation>Anhand von Referenzdaten bewerten</translation>
    </message>
    <message>
        <source>Scores a class raster against labels, and writes a report.</source>
        <translation>Bewertet ein Klassenraster anhand von Referenzdaten und schreibt einen Bericht.</translation>
    </message>
    <message>
        <source>Scores a class raster against labels: a raster of class values, or polygons or points with a field that holds the class. The result is a report of accuracies, with the confusion matrix.

Classes found without labels have no meaning of their own: they are matched to those of the labels one to one, or many to one, or not at all if the values mean the same.

If the labels are a random sample, drawn for the purpose, “reference sample” estimates accuracies and areas with their intervals.</source>
        <translation>Bewertet ein Klassenraster anhand von Referenzdaten: einem Raster mit Klassenwerten oder Polygonen oder Punkten mit einem Feld, das die Klasse enthält. Das Ergebnis ist ein Bericht über die Genauigkeiten mit der Konfusionsmatrix.

Klassen, die ohne Referenzdaten gefunden wurden, haben keine eigene Bedeutung: Sie werden denen der Referenzdaten eins zu eins zugeordnet, oder mehrere zu einer, oder gar nicht, wenn die Werte dasselbe bedeuten.

Sind die Referenzdaten eine eigens gezogene Zufallsstichprobe, so schätzt „Referenzstichprobe“ Genauigkeiten und Flächen mit ihren Intervallen.</translation>
    </message>
    <message>
        <source>accuracy,confusion matrix,kappa,validation,assessment,score,reference</source>
        <translation>Genauigkeit,Konfusionsmatrix,Kappa,Validierung,Bewertung,Referenz</translation>
    </message>
    <message>
        <source>one to one</source>
        <translation>eins zu eins</translation>
    </message>
    <message>
        <source>many to one</source>
        <translation>mehrere zu einer</translation>
    </message>
    <message>
        <source>none: the values mean the same</source>
        <translation>keine: Die Werte bedeuten dasselbe</translation>
    </message>
    <message>
        <source>Class raster</source>
        <translation>Klassenraster</translation>
    </message>
    <message>
        <source>Field of the class (class, class_id or value if empty)</source>
        <translation>Feld der Klasse (class, class_id oder value, wenn leer)</translation>
    </message>
    <message>
        <source>Match of classes and labels</source>
        <translation>Zuordnung von Klassen und Referenzdaten</translation>
    </message>
    <message>
        <source>The labels are a reference sample</source>
        <translation>Die Referenzdaten sind eine Referenzstichprobe</translation>
    </message>
    <message>
        <source>Folder for the report</source>
        <translation>Ordner für den Bericht</translation>
    </message>
    <message>
        <source>Report</source>
        <translation>Bericht</translation>
    </message>
    <message>
        <source>Accuracy</source>
        <translation>Genauigkeit</translation>
    </message>
    <message>
        <source>Mean IoU</source>
        <translation>Mittlerer IoU</translation>
    </message>
    <message>
        <source>Kappa</source>
        <translation>Kappa</translation>
    </message>
    <message>
        <source>The class raster must be a file.</source>
        <translation>Das Klassenraster muss eine Datei sein.</translation>
    </message>
    <message>
        <source>The labels cannot be opened.</source>
        <translation>Die Referenzdaten können nicht geöffnet werden.</translation>
    </message>
    <message>
        <source>The labels have no field {field}: there are {fields}.</source>
        <translation>Die Referenzdaten haben kein Feld {field}: Es gibt {fields}.</translation>
    </message>
    <message>
        <source>Bands (all but alpha if none is chosen)</source>
        <translation>Kanäle (alle außer Alpha, wenn keiner gewählt ist)</translation>
    </message>
    <message>
        <source>Pixel size for the export of layers that are no files, such as WMS and XYZ (map units)</source>
        <translation>Pixelgröße für den Export von Layern, die keine Dateien sind, etwa WMS und XYZ (Karteneinheiten)</translation>
    </message>
    <message>
        <source>Image</source>
        <translation>Bild</translation>
    </message>
    <message>
        <source>Extent to be mapped</source>
        <translation>Zu kartierende Ausdehnung</translation>
    </message>
    <message>
        <source>Area of interest (polygons)</source>
        <translation>Untersuchungsgebiet (Polygone)</translation>
    </message>
    <message>
        <source>The image cannot be opened.</source>
        <translation>Das Bild kann nicht geöffnet werden.</translation>
    </message>
    <message>
        <source>{name} has {count} bands: there is no band {band}.</source>
        <translation>{name} hat {count} Kanäle: Einen Kanal {band} gibt es nicht.</translation>
    </message>
    <message>
        <source>A band is chosen twice.</source>
        <translation>Ein Kanal ist zweimal gewählt.</translation>
    </message>
    <message>
        <source>{name} has no coordinate reference system: assign one, or map all of it.</source>
        <translation>{name} hat kein Koordinatenbezugssystem: Weisen Sie eines zu, oder kartieren Sie alles.</translation>
    </message>
    <message>
        <source>{name} is no file but comes from a service ({provider}). Give a pixel size under the advanced parameters, so that it is exported first, and an extent; or use Layer &gt; Save As.</source>
        <translation>{name} ist keine Datei, sondern kommt von einem Dienst ({provider}). Geben Sie unter den erweiterten Parametern eine Pixelgröße an, damit der Layer zuerst exportiert wird, und dazu eine Ausdehnung; oder verwenden Sie Layer &gt; Speichern als.</translation>
    </message>
    <message>
        <source>Exporting {name} would take {columns} x {rows} pixels. Give a smaller extent or larger pixels.</source>
        <translation>Der Export von {name} hätte {columns} x {rows} Pixel. Geben Sie eine kleinere Ausdehnung oder größere Pixel an.</translation>
    </message>
    <message>
        <source>Least area (square metres): smaller ones go to a neighbour</source>
        <translation>Kleinste Fläche (Quadratmeter): kleinere gehen an einen Nachbarn</translation>
    </message>
    <message>
        <source>The same in pixels</source>
        <translation>Dasselbe in Pixeln</translation>
    </message>
    <message>
        <source>Tolerance of simplified borders (metres; pixels without coordinates)</source>
        <translation>Toleranz vereinfachter Grenzen (Meter; Pixel ohne Koordinaten)</translation>
    </message>
    <message>
        <source>Smooth the borders</source>
        <translation>Die Grenzen glätten</translation>
    </message>
    <message>
        <source>Give the least area in square metres or in pixels, not both.</source>
        <translation>Geben Sie die kleinste Fläche in Quadratmetern oder in Pixeln an, nicht beides.</translation>
    </message>
    <message>
        <source>Land-cover map (train and segment)</source>
        <translation>Landbedeckungskarte (trainieren und segmentieren)</translation>
    </message>
    <message>
        <source>Trains on an image without labels, and makes its class raster and polygons.</source>
        <translation>Trainiert auf einem Bild ohne Referenzdaten und erzeugt dessen Klassenraster und Polygone.</translation>
    </message>
    <message>
        <source>Trains a network on the image, without labels, and makes of it a raster of classes, polygons and a model for other images. Classes are numbered by size; what they mean is for you to say.

Start with the number of land covers you can tell apart, and the quality “quick”. Pixels without data, and those outside of extent and polygons, neither train nor get a class.

The folder then holds classes.tif, classes.gpkg, model.safetensors, preview.png and summary.json. Files of these names are replaced. What was cancelled goes on where it was when it is started again with the same parameters; of a part of an image, the training starts afresh.</source>
        <translation>Trainiert ein Netz auf dem Bild, ohne Referenzdaten, und erzeugt ein Klassenraster, Polygone und ein Modell für weitere Bilder. Die Klassen sind nach Größe nummeriert; was sie bedeuten, bestimmen Sie.

Beginnen Sie mit so vielen Klassen, wie Sie Bedeckungen unterscheiden können, und der Qualität „schnell“. Pixel ohne Daten und solche außerhalb von Ausdehnung und Polygonen werden weder zum Training verwendet noch einer Klasse zugeordnet.

Der Ordner enthält danach classes.tif, classes.gpkg, model.safetensors, preview.png und summary.json. Dateien dieser Namen werden ersetzt. Was abgebrochen wurde, geht dort weiter, wo es war, wenn es mit denselben Parametern erneut gestartet wird; bei einem Teil eines Bildes beginnt das Training von vorn.</translation>
    </message>
    <message>
        <source>land cover,classification,unsupervised,clustering,segmentation,deep learning,raster,aerial,satellite</source>
        <translation>Landbedeckung,Klassifikation,unüberwacht,Clustering,Segmentierung,Deep Learning,Raster,Luftbild,Satellit</translation>
    </message>
    <message>
        <source>Also write the confidence of each pixel</source>
        <translation>Auch die Konfidenz jedes Pixels schreiben</translation>
    </message>
    <message>
        <source>Load the results</source>
        <translation>Ergebnisse laden</translation>
    </message>
    <message>
        <source>Land-cover polygons</source>
        <translation>Landbedeckungspolygone</translation>
    </message>
    <message>
        <source>Confidence</source>
        <translation>Konfidenz</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>Bild der Karte</translation>
    </message>
    <message>
        <source>Summary</source>
        <translation>Zusammenfassung</translation>
    </message>
    <message>
        <source>Confidence of {name}</source>
        <translation>Konfidenz von {name}</translation>
    </message>
    <message>
        <source>Land cover of {name}</source>
        <translation>Landbedeckung von {name}</translation>
    </message>
    <message>
        <source>Land-cover polygons of {name}</source>
        <translation>Landbedeckungspolygone von {name}</translation>
    </message>
    <message>
        <source>Segment with a model</source>
        <translation>Mit einem Modell segmentieren</translation>
    </message>
    <message>
        <source>Makes a class raster of an image with a trained model.</source>
        <translation>Erzeugt mit einem trainierten Modell ein Klassenraster eines Bildes.</translation>
    </message>
    <message>
        <source>Makes a class raster of an image with a trained model, and on request a raster of the confidence in percent. The image may have any size: it goes through in windows that leave no seams.

The number of classes may be another one than that of the training, if the model is of the default objective: its clusters are then merged to more or fewer classes.

The image needs the bands that the model was trained on, in their order. What lies outside of the polygons becomes no data. A segmentation that was cancelled goes on where it was when it is started again with the same parameters.</source>
        <translation>Erzeugt mit einem trainierten Modell ein Klassenraster eines Bildes und auf Wunsch ein Raster der Konfidenz in Prozent. Das Bild darf beliebig groß sein: Es wird in Fenstern verarbeitet, die keine Nähte hinterlassen.

Die Anzahl der Klassen darf eine andere als die des Trainings sein, wenn das Modell das voreingestellte Lernziel hat: Seine Cluster werden dann zu mehr oder weniger Klassen zusammengefasst.

Das Bild braucht die Kanäle, auf denen das Modell trainiert wurde, in deren Reihenfolge. Was außerhalb der Polygone liegt, erhält keinen Wert. Eine abgebrochene Segmentierung geht dort weiter, wo sie war, wenn sie mit denselben Parametern erneut gestartet wird.</translation>
    </message>
    <message>
        <source>land cover,classification,predict,inference,apply,raster</source>
        <translation>Landbedeckung,Klassifikation,Vorhersage,Inferenz,anwenden,Raster</translation>
    </message>
    <message>
        <source>Processes that share the windows (0: one alone)</source>
        <translation>Prozesse, die sich die Fenster teilen (0: einer allein)</translation>
    </message>
    <message>
        <source>How unequal the classes may be, from 0 to 1 (as trained if empty)</source>
        <translation>Wie ungleich die Klassen sein dürfen, von 0 bis 1 (wie trainiert, wenn leer)</translation>
    </message>
    <message>
        <source>Number of classes (as trained if empty)</source>
        <translation>Anzahl der Klassen (wie trainiert, wenn leer)</translation>
    </message>
    <message>
        <source>As many classes as the image of the training suggests, in place of the number</source>
        <translation>So viele Klassen, wie das Bild des Trainings nahelegt, statt der Anzahl</translation>
    </message>
    <message>
        <source>Probabilities of all classes</source>
        <translation>Wahrscheinlichkeiten aller Klassen</translation>
    </message>
    <message>
        <source>There is no model {file}.</source>
        <translation>Es gibt kein Modell {file}.</translation>
    </message>
    <message>
        <source>Train a model</source>
        <translation>Ein Modell trainieren</translation>
    </message>
    <message>
        <source>Trains a model on one or more images, without labels.</source>
        <translation>Trainiert ein Modell auf einem oder mehreren Bildern, ohne Referenzdaten.</translation>
    </message>
    <message>
        <source>Trains a model on one or more images, without labels. “Segment with a model” then makes class rasters of these and of other images with it, whose classes mean the same everywhere.

The images need no common grid, but as many bands of the same kind. A training that was cancelled goes on where it was when it is started again with the same parameters.</source>
        <translation>Trainiert ein Modell auf einem oder mehreren Bildern, ohne Referenzdaten. „Mit einem Modell segmentieren“ erzeugt damit Klassenraster dieser und anderer Bilder, deren Klassen überall dasselbe bedeuten.

Die Bilder brauchen kein gemeinsames Gitter, aber gleich viele Kanäle derselben Art. Ein abgebrochenes Training geht dort weiter, wo es war, wenn es mit denselben Parametern erneut gestartet wird.</translation>
    </message>
    <message>
        <source>land cover,unsupervised,clustering,deep learning,network,learn</source>
        <translation>Landbedeckung,unüberwacht,Clustering,Deep Learning,Netz,lernen</translation>
    </message>
    <message>
        <source>Images</source>
        <translation>Bilder</translation>
    </message>
    <message>
        <source>Bands, such as 1,2,3 (all but alpha if empty)</source>
        <translation>Kanäle, etwa 1,2,3 (alle außer Alpha, wenn leer)</translation>
    </message>
    <message>
        <source>Models (*.safetensors)</source>
        <translation>Modelle (*.safetensors)</translation>
    </message>
    <message>
        <source>{name} is no file but comes from a service ({provider}). Save it as a raster first.</source>
        <translation>{name} ist keine Datei, sondern kommt von einem Dienst ({provider}). Speichern Sie den Layer zuerst als Raster.</translation>
    </message>
    <message>
        <source>The bands must be numbers from 1 to {count} with commas between, none of them twice.</source>
        <translation>Die Kanäle müssen Zahlen von 1 bis {count} sein, durch Kommas getrennt und keine davon doppelt.</translation>
    </message>
    <message>
        <source>The model's file must end in .safetensors.</source>
        <translation>Die Datei des Modells muss auf .safetensors enden.</translation>
    </message>
    <message>
        <source>quick</source>
        <translation>schnell</translation>
    </message>
    <message>
        <source>balanced</source>
        <translation>ausgewogen</translation>
    </message>
    <message>
        <source>thorough</source>
        <translation>gründlich</translation>
    </message>
    <message>
        <source>Longest training time (minutes)</source>
        <translation>Längste Trainingszeit (Minuten)</translation>
    </message>
    <message>
        <source>As many classes as the image suggests, in place of the number</source>
        <translation>So viele Klassen, wie das Bild nahelegt, statt der Anzahl</translation>
    </message>
    <message>
        <source>Number of classes</source>
        <translation>Anzahl der Klassen</translation>
    </message>
    <message>
        <source>Quality</source>
        <translation>Qualität</translation>
    </message>
    <message>
        <source>Training steps (in place of the quality's)</source>
        <translation>Trainingsschritte (anstelle derer der Qualität)</translation>
    </message>
    <message>
        <source>Seed: the same one repeats a map on one machine</source>
        <translation>Startwert: derselbe wiederholt eine Karte auf einem Rechner</translation>
    </message>
    <message>
        <source>automatic</source>
        <translation>automatisch</translation>
    </message>
    <message>
        <source>processor</source>
        <translation>Prozessor</translation>
    </message>
    <message>
        <source>GPU (CUDA)</source>
        <translation>GPU (CUDA)</translation>
    </message>
    <message>
        <source>GPU (Apple)</source>
        <translation>GPU (Apple)</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>Gerät</translation>
    </message>
    <message>
        <source>Further settings, such as train.batch=8, one in each line</source>
        <translation>Weitere Einstellungen, etwa train.batch=8, eine je Zeile</translation>
    </message>
    <message>
        <source>“{line}” is no setting: write it as train.batch=8.</source>
        <translation>„{line}“ ist keine Einstellung: Schreiben Sie sie wie train.batch=8.</translation>
    </message>
    <message>
        <source>Class raster to polygons</source>
        <translation>Klassenraster in Polygone umwandeln</translation>
    </message>
    <message>
        <source>Turns a class raster into polygons with class, name and area.</source>
        <translation>Wandelt ein Klassenraster in Polygone mit Klasse, Name und Fläche um.</translation>
    </message>
    <message>
        <source>Turns a class raster into polygons with class, name, area and perimeter, styled as the raster is. They follow the edges of the pixels, cover all that has a class exactly once, and have no seams, whatever the raster's size.

Small areas can be given to their neighbours, and borders simplified and smoothed: neighbours keep one common border, without gaps and overlaps. A staircase of pixels becomes straight from a tolerance of one pixel on.

Areas are in square metres, on the ellipsoid if the coordinate system is one of degrees.</source>
        <translation>Wandelt ein Klassenraster in Polygone mit Klasse, Name, Fläche und Umfang um, gestaltet wie das Raster. Sie folgen den Pixelkanten, bedecken alles, was eine Klasse hat, genau einmal und haben keine Nähte, wie groß das Raster auch ist.

Kleine Flächen können ihren Nachbarn gegeben, Grenzen vereinfacht und geglättet werden: Nachbarn behalten eine gemeinsame Grenze, ohne Lücken und Überlappungen. Eine Treppe aus Pixeln wird ab einer Toleranz von einem Pixel gerade.

Flächen sind in Quadratmetern, bei Koordinatensystemen in Grad auf dem Ellipsoid.</translation>
    </message>
    <message>
        <source>land cover,polygonize,vectorize,vector,polygons</source>
        <translation>Landbedeckung,polygonisieren,vektorisieren,Vektor,Polygone</translation>
    </message>
    <message>
        <source>4: over edges</source>
        <translation>4: über Kanten</translation>
    </message>
    <message>
        <source>8: over corners as well</source>
        <translation>8: auch über Ecken</translation>
    </message>
    <message>
        <source>One multipolygon for each class</source>
        <translation>Ein Multipolygon je Klasse</translation>
    </message>
    <message>
        <source>Pixels of a polygon join</source>
        <translation>Pixel eines Polygons hängen zusammen</translation>
    </message>
    <message>
        <source>Probabilities of all classes: small areas go to the likeliest</source>
        <translation>Wahrscheinlichkeiten aller Klassen: Kleine Flächen gehen an die wahrscheinlichste</translation>
    </message>
    <message>
        <source>Confidence raster, of which polygons get the mean</source>
        <translation>Konfidenzraster, dessen Mittel die Polygone erhalten</translation>
    </message>
    <message>
        <source>Image of the map, of whose bands polygons get the means</source>
        <translation>Bild der Karte, von dessen Kanälen die Polygone die Mittel erhalten</translation>
    </message>
    <message>
        <source>Bands of the image</source>
        <translation>Kanäle des Bildes</translation>
    </message>
    <message>
        <source>Mean vegetation index (NDVI) of the image</source>
        <translation>Mittlerer Vegetationsindex (NDVI) des Bildes</translation>
    </message>
    <message>
        <source>{name} has {count} bands, but a class raster has one.</source>
        <translation>{name} hat {count} Kanäle, ein Klassenraster aber hat einen.</translation>
    </message>
    <message>
        <source>{name} must be a file.</source>
        <translation>{name} muss eine Datei sein.</translation>
    </message>
    <message>
        <source>Band</source>
        <translation>Kanal</translation>
    </message>
    <message>
        <source>Role</source>
        <translation>Rolle</translation>
    </message>
    <message>
        <source>Bands</source>
        <translation>Kanäle</translation>
    </message>
    <message>
        <source>Role of band {band}</source>
        <translation>Rolle von Kanal {band}</translation>
    </message>
    <message>
        <source>Message</source>
        <translation>Meldung</translation>
    </message>
    <message>
        <source>Close the message</source>
        <translation>Meldung schließen</translation>
    </message>
    <message>
        <source>The memory is not enough. Close other programs, map a smaller area, or choose a quicker quality.</source>
        <translation>Der Speicher reicht nicht. Schließen Sie andere Programme, kartieren Sie ein kleineres Gebiet, oder wählen Sie eine schnellere Qualität.</translation>
    </message>
    <message>
        <source>The disk is full. Free some space, or choose another folder.</source>
        <translation>Der Datenträger ist voll. Schaffen Sie Platz, oder wählen Sie einen anderen Ordner.</translation>
    </message>
    <message>
        <source>There is no such GPU here.</source>
        <translation>Eine solche GPU gibt es hier nicht.</translation>
    </message>
    <message>
        <source>geoarseg ended unexpectedly ({detail}).</source>
        <translation>geoarseg endete unerwartet ({detail}).</translation>
    </message>
    <message>
        <source>The log is kept in {log}.</source>
        <translation>Das Protokoll liegt in {log}.</translation>
    </message>
    <message>
        <source>Set up geoarseg…</source>
        <translation>geoarseg einrichten …</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>Erneut versuchen</translation>
    </message>
    <message>
        <source>Use the processor</source>
        <translation>Den Prozessor verwenden</translation>
    </message>
    <message>
        <source>Loss curve</source>
        <translation>Verlustkurve</translation>
    </message>
    <message>
        <source>Loss {loss:.3f} after step {step:.0f}</source>
        <translation>Verlust {loss:.3f} nach Schritt {step:.0f}</translation>
    </message>
    <message>
        <source>The loss appears with the first steps.</source>
        <translation>Der Verlust erscheint mit den ersten Schritten.</translation>
    </message>
    <message>
        <source>Loss {loss:.3f}</source>
        <translation>Verlust {loss:.3f}</translation>
    </message>
    <message>
        <source>step {step:.0f} of {total:.0f}</source>
        <translation>Schritt {step:.0f} von {total:.0f}</translation>
    </message>
    <message>
        <source>Make &amp;this map</source>
        <translation>Diese Karte &amp;erstellen</translation>
    </message>
    <message>
        <source>Write model, class raster and polygons of these classes into a folder of their own</source>
        <translation>Modell, Klassenraster und Polygone mit diesen Klassen in einen eigenen Ordner schreiben</translation>
    </message>
    <message>
        <source>&amp;Back</source>
        <translation>&amp;Zurück</translation>
    </message>
    <message>
        <source>Back to the map as it was</source>
        <translation>Zurück zur Karte, wie sie war</translation>
    </message>
    <message>
        <source>&amp;Classes</source>
        <translation>Kl&amp;assen</translation>
    </message>
    <message>
        <source>&amp;Sizes</source>
        <translation>&amp;Größen</translation>
    </message>
    <message>
        <source>alike</source>
        <translation>ähnlich</translation>
    </message>
    <message>
        <source>may differ</source>
        <translation>verschieden</translation>
    </message>
    <message>
        <source>The map follows at once. Where the model is unsure, the finished map may differ from what is shown.</source>
        <translation>Die Karte folgt sofort. Wo das Modell unsicher ist, kann die fertige Karte von dem abweichen, was zu sehen ist.</translation>
    </message>
    <message>
        <source>{count} of {most} clusters</source>
        <translation>{count} von {most} Clustern</translation>
    </message>
    <message>
        <source>Keeps {share} of what all {most} clusters tell</source>
        <translation>Bewahrt {share} dessen, was alle {most} Cluster aussagen</translation>
    </message>
    <message>
        <source>The image of this map, {file}, is not there any more.</source>
        <translation>Das Bild dieser Karte, {file}, ist nicht mehr da.</translation>
    </message>
    <message>
        <source>Clusters of {name}</source>
        <translation>Cluster von {name}</translation>
    </message>
    <message>
        <source>{name}, {count} classes</source>
        <translation>{name}, {count} Klassen</translation>
    </message>
    <message>
        <source>whole layer</source>
        <translation>ganzer Layer</translation>
    </message>
    <message>
        <source>extent of the map canvas</source>
        <translation>Ausdehnung der Kartenansicht</translation>
    </message>
    <message>
        <source>polygons of a layer</source>
        <translation>Polygone eines Layers</translation>
    </message>
    <message>
        <source>Layer of polygons</source>
        <translation>Polygonlayer</translation>
    </message>
    <message>
        <source>Side of a pixel in the units of the layer, which is drawn into a file first</source>
        <translation>Kantenlänge eines Pixels in den Einheiten des Layers, der zuerst in eine Datei gezeichnet wird</translation>
    </message>
    <message>
        <source>How many land covers you can tell apart; automatic: as many as the image suggests</source>
        <translation>Wie viele Landbedeckungen sich unterscheiden lassen; automatisch: so viele, wie das Bild nahelegt</translation>
    </message>
    <message>
        <source>Time estimate</source>
        <translation>Zeitschätzung</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>Messen</translation>
    </message>
    <message>
        <source>Train a few steps and map a small piece, to see how long it takes here</source>
        <translation>Einige Schritte trainieren und ein kleines Stück kartieren, um zu sehen, wie lange es hier dauert</translation>
    </message>
    <message>
        <source>Choose the folder</source>
        <translation>Den Ordner wählen</translation>
    </message>
    <message>
        <source>What is missing</source>
        <translation>Was noch fehlt</translation>
    </message>
    <message>
        <source>&amp;Make the map</source>
        <translation>Karte &amp;erstellen</translation>
    </message>
    <message>
        <source>&amp;Open a map…</source>
        <translation>Karte öff&amp;nen …</translation>
    </message>
    <message>
        <source>Name, colour and merge the classes of a map that was made before</source>
        <translation>Die Klassen einer früher erstellten Karte benennen, färben und zusammenfassen</translation>
    </message>
    <message>
        <source>&amp;Layer</source>
        <translation>&amp;Layer</translation>
    </message>
    <message>
        <source>&amp;Bands</source>
        <translation>&amp;Kanäle</translation>
    </message>
    <message>
        <source>&amp;Area</source>
        <translation>&amp;Gebiet</translation>
    </message>
    <message>
        <source>&amp;Pixel size</source>
        <translation>Pi&amp;xelgröße</translation>
    </message>
    <message>
        <source>&amp;Quality</source>
        <translation>&amp;Qualität</translation>
    </message>
    <message>
        <source>&amp;Device</source>
        <translation>Ge&amp;rät</translation>
    </message>
    <message>
        <source>&amp;Time</source>
        <translation>&amp;Zeit</translation>
    </message>
    <message>
        <source>&amp;Folder</source>
        <translation>&amp;Ordner</translation>
    </message>
    <message>
        <source>The folder holds a map already: {names} will be replaced.</source>
        <translation>Im Ordner ist schon eine Karte: {names} werden ersetzt.</translation>
    </message>
    <message>
        <source>These would be {columns} x {rows} pixels: choose larger ones, or a smaller area.</source>
        <translation>Das wären {columns} x {rows} Pixel: Wählen Sie größere oder ein kleineres Gebiet.</translation>
    </message>
    <message>
        <source>Not measured: {columns} x {rows} pixels are drawn first.</source>
        <translation>Nicht gemessen: Zuerst werden {columns} x {rows} Pixel gezeichnet.</translation>
    </message>
    <message>
        <source>Not measured yet.</source>
        <translation>Noch nicht gemessen.</translation>
    </message>
    <message>
        <source>About {total} (training {training}, mapping {mapping}), then the polygons.</source>
        <translation>Etwa {total} (Training {training}, Kartierung {mapping}), danach die Polygone.</translation>
    </message>
    <message>
        <source>Folder for the map</source>
        <translation>Ordner für die Karte</translation>
    </message>
    <message>
        <source>Folder of a map</source>
        <translation>Ordner einer Karte</translation>
    </message>
    <message>
        <source>Load a raster layer first.</source>
        <translation>Laden Sie zuerst einen Rasterlayer.</translation>
    </message>
    <message>
        <source>Tick one band at least.</source>
        <translation>Haken Sie mindestens einen Kanal an.</translation>
    </message>
    <message>
        <source>{detail} bands are ticked, but at most 20 can be used.</source>
        <translation>{detail} Kanäle sind angehakt, höchstens 20 können verwendet werden.</translation>
    </message>
    <message>
        <source>Two bands are called {detail}: change one of them.</source>
        <translation>Zwei Kanäle heißen {detail}: Ändern Sie einen davon.</translation>
    </message>
    <message>
        <source>This layer comes from a service: choose the extent of the canvas, or polygons.</source>
        <translation>Dieser Layer kommt von einem Dienst: Wählen Sie die Ausdehnung der Kartenansicht oder Polygone.</translation>
    </message>
    <message>
        <source>Load a layer of polygons first, or choose another area.</source>
        <translation>Laden Sie zuerst einen Polygonlayer, oder wählen Sie ein anderes Gebiet.</translation>
    </message>
    <message>
        <source>There must be 2 to 254 classes.</source>
        <translation>Es müssen 2 bis 254 Klassen sein.</translation>
    </message>
    <message>
        <source>Choose a folder for the map.</source>
        <translation>Wählen Sie einen Ordner für die Karte.</translation>
    </message>
    <message>
        <source>{detail} is a file: choose a folder.</source>
        <translation>{detail} ist eine Datei: Wählen Sie einen Ordner.</translation>
    </message>
    <message>
        <source>Colour</source>
        <translation>Farbe</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Share</source>
        <translation>Anteil</translation>
    </message>
    <message>
        <source>Class values {values}</source>
        <translation>Klassenwerte {values}</translation>
    </message>
    <message>
        <source>Colour {colour} of {name}</source>
        <translation>Farbe {colour} von {name}</translation>
    </message>
    <message>
        <source>&amp;Colour…</source>
        <translation>&amp;Farbe …</translation>
    </message>
    <message>
        <source>&amp;Merge</source>
        <translation>&amp;Zusammenfassen</translation>
    </message>
    <message>
        <source>&amp;Undo</source>
        <translation>&amp;Rückgängig</translation>
    </message>
    <message>
        <source>&amp;Save</source>
        <translation>&amp;Speichern</translation>
    </message>
    <message>
        <source>&amp;Number of classes…</source>
        <translation>&amp;Klassenzahl …</translation>
    </message>
    <message>
        <source>&amp;Another map</source>
        <translation>&amp;Andere Karte</translation>
    </message>
    <message>
        <source>Make one class of the selected ones</source>
        <translation>Aus den gewählten Klassen eine machen</translation>
    </message>
    <message>
        <source>Write the legend into the files of the map</source>
        <translation>Die Legende in die Dateien der Karte schreiben</translation>
    </message>
    <message>
        <source>C&amp;lasses of the map</source>
        <translation>K&amp;lassen der Karte</translation>
    </message>
    <message>
        <source>In {folder}</source>
        <translation>In {folder}</translation>
    </message>
    <message>
        <source>Colour of {name}</source>
        <translation>Farbe von {name}</translation>
    </message>
    <message>
        <source>Saving…</source>
        <translation>Wird gespeichert …</translation>
    </message>
    <message>
        <source>Try more or fewer classes on the map, without training again</source>
        <translation>Mehr oder weniger Klassen auf der Karte ausprobieren, ohne neues Training</translation>
    </message>
    <message>
        <source>The model of this map is not in its folder.</source>
        <translation>Das Modell dieser Karte liegt nicht in ihrem Ordner.</translation>
    </message>
    <message>
        <source>Classes</source>
        <translation>Klassen</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>Protokoll</translation>
    </message>
    <message>
        <source>Lo&amp;g</source>
        <translation>&amp;Protokoll</translation>
    </message>
    <message>
        <source>The legend has changes that are not saved. Discard them?</source>
        <translation>Die Legende hat Änderungen, die nicht gespeichert sind. Verwerfen?</translation>
    </message>
    <message>
        <source>Legend</source>
        <translation>Legende</translation>
    </message>
    <message>
        <source>The legend is saved in the files of the map.</source>
        <translation>Die Legende ist in den Dateien der Karte gespeichert.</translation>
    </message>
    <message>
        <source>Training a few steps and mapping a small piece, to see how long it takes here…</source>
        <translation>Einige Schritte werden trainiert und ein kleines Stück kartiert, um zu sehen, wie lange es hier dauert …</translation>
    </message>
    <message>
        <source>Drawing the layer into a file…</source>
        <translation>Der Layer wird in eine Datei gezeichnet …</translation>
    </message>
    <message>
        <source>Mapping all clusters of the model once, so that the map can follow the sliders…</source>
        <translation>Alle Cluster des Modells werden einmal kartiert, damit die Karte den Reglern folgen kann …</translation>
    </message>
    <message>
        <source>Making model, class raster and polygons…</source>
        <translation>Modell, Klassenraster und Polygone werden erstellt …</translation>
    </message>
    <message>
        <source>done</source>
        <translation>fertig</translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation>noch {time}</translation>
    </message>
    <message>
        <source>At present</source>
        <translation>Zurzeit</translation>
    </message>
    <message>
        <source>&amp;Cancel</source>
        <translation>&amp;Abbrechen</translation>
    </message>
    <message>
        <source>Starting geoarseg…</source>
        <translation>geoarseg wird gestartet …</translation>
    </message>
    <message>
        <source>Cancelling…</source>
        <translation>Wird abgebrochen …</translation>
    </message>
    <message>
        <source>{done:.4g} of {total:.4g}</source>
        <translation>{done:.4g} von {total:.4g}</translation>
    </message>
    <message>
        <source>steps</source>
        <translation>Schritte</translation>
    </message>
    <message>
        <source>megapixels</source>
        <translation>Megapixel</translation>
    </message>
    <message>
        <source>rows</source>
        <translation>Zeilen</translation>
    </message>
    <message>
        <source>{rate:.3g} {units} a second</source>
        <translation>{rate:.3g} {units} je Sekunde</translation>
    </message>
    <message>
        <source>On trial: {name}</source>
        <translation>Zur Probe: {name}</translation>
    </message>
    <message>
        <source>{file} cannot be loaded.</source>
        <translation>{file} lässt sich nicht laden.</translation>
    </message>
    <message>
        <source>The layer {name} cannot be exported.</source>
        <translation>Der Layer {name} kann nicht exportiert werden.</translation>
    </message>
    <message>
        <source>Drawing {name}</source>
        <translation>{name} wird gezeichnet</translation>
    </message>
    <message>
        <source>The image has no coordinate reference system: assign one, or map all of it.</source>
        <translation>Das Bild hat kein Koordinatenbezugssystem: Weisen Sie ihm eines zu, oder kartieren Sie es ganz.</translation>
    </message>
    <message>
        <source>{folder} holds no map that can be loaded.</source>
        <translation>{folder} enthält keine Karte, die sich laden lässt.</translation>
    </message>
    <message>
        <source>The extent cannot be transformed to the image's coordinate system.</source>
        <translation>Die Ausdehnung lässt sich nicht in das Koordinatensystem des Bildes umrechnen.</translation>
    </message>
    <message>
        <source>The layer is not in the project any more.</source>
        <translation>Der Layer ist nicht mehr im Projekt.</translation>
    </message>
    <message>
        <source>The layer cannot be read.</source>
        <translation>Der Layer kann nicht gelesen werden.</translation>
    </message>
    <message>
        <source>Cluster shares</source>
        <translation>Anteile der Cluster</translation>
    </message>
    <message>
        <source>{alive} of {count} clusters alive</source>
        <translation>{alive} von {count} Clustern leben</translation>
    </message>
    <message>
        <source>Trial of a land-cover map</source>
        <translation>Probelauf einer Landbedeckungskarte</translation>
    </message>
    <message>
        <source>{folder} holds no {name}.</source>
        <translation>In {folder} ist kein {name}.</translation>
    </message>
    <message>
        <source>Saving the legend</source>
        <translation>Die Legende wird gespeichert</translation>
    </message>
    <message>
        <source>{seconds} s</source>
        <translation>{seconds} s</translation>
    </message>
    <message>
        <source>{minutes} min</source>
        <translation>{minutes} min</translation>
    </message>
    <message>
        <source>{hours} h {minutes} min</source>
        <translation>{hours} h {minutes} min</translation>
    </message>
    <message>
        <source>The model has more than 254 clusters, which one raster cannot show.</source>
        <translation>Das Modell hat mehr als 254 Cluster; so viele kann ein Raster nicht zeigen.</translation>
    </message>
    <message>
        <source>This model's classes are not merged from clusters, so that their number is fixed. Make a map with another number of classes.</source>
        <translation>Die Klassen dieses Modells sind nicht aus Clustern zusammengefasst, ihre Zahl steht deshalb fest. Erstellen Sie eine Karte mit einer anderen Anzahl von Klassen.</translation>
    </message>
    <message>
        <source>Statistics</source>
        <translation>Statistik</translation>
    </message>
    <message>
        <source>Consensus</source>
        <translation>Konsens</translation>
    </message>
    <message>
        <source>Training</source>
        <translation>Training</translation>
    </message>
    <message>
        <source>Drawing</source>
        <translation>Zeichnen</translation>
    </message>
    <message>
        <source>Mapping</source>
        <translation>Kartierung</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>Schreiben</translation>
    </message>
    <message>
        <source>Polygons</source>
        <translation>Polygone</translation>
    </message>
    <message>
        <source>Saving</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>Small patches</source>
        <translation>Kleine Flächen</translation>
    </message>
    <message>
        <source>red</source>
        <translation>Rot</translation>
    </message>
    <message>
        <source>green</source>
        <translation>Grün</translation>
    </message>
    <message>
        <source>blue</source>
        <translation>Blau</translation>
    </message>
    <message>
        <source>near-infrared</source>
        <translation>Nahes Infrarot</translation>
    </message>
    <message>
        <source>other</source>
        <translation>anderes</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>Cancelled.</source>
        <translation>Abgebrochen.</translation>
    </message>
    <message>
        <source>Environment of geoarseg</source>
        <translation>Umgebung von geoarseg</translation>
    </message>
    <message>
        <source>An environment of its own</source>
        <translation>Eine eigene Umgebung</translation>
    </message>
    <message>
        <source>for the processor (about 2 GB)</source>
        <translation>für den Prozessor (etwa 2 GB)</translation>
    </message>
    <message>
        <source>for NVIDIA GPUs with CUDA (about 7 GB)</source>
        <translation>für NVIDIA-GPUs mit CUDA (etwa 7 GB)</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Build</source>
        <translation>Variante</translation>
    </message>
    <message>
        <source>Python (empty: look for one)</source>
        <translation>Python (leer: eines suchen)</translation>
    </message>
    <message>
        <source>Or one that is there already</source>
        <translation>Oder eine, die schon da ist</translation>
    </message>
    <message>
        <source>The program geoarseg, or the Python that it is installed in</source>
        <translation>Das Programm geoarseg oder das Python, in dem es installiert ist</translation>
    </message>
    <message>
        <source>Program geoarseg or its Python</source>
        <translation>Programm geoarseg oder sein Python</translation>
    </message>
    <message>
        <source>Check</source>
        <translation>Prüfen</translation>
    </message>
    <message>
        <source>Cancel the work</source>
        <translation>Arbeit abbrechen</translation>
    </message>
    <message>
        <source>Repair</source>
        <translation>Reparieren</translation>
    </message>
    <message>
        <source>Install</source>
        <translation>Installieren</translation>
    </message>
    <message>
        <source>In use: {command}</source>
        <translation>In Gebrauch: {command}</translation>
    </message>
    <message>
        <source>The plugin brings geoarseg {version}: Repair installs it.</source>
        <translation>Die Erweiterung bringt geoarseg {version} mit: Reparieren installiert es.</translation>
    </message>
    <message>
        <source>No geoarseg was found. Install it, or point to one.</source>
        <translation>Es wurde kein geoarseg gefunden. Installieren Sie es, oder geben Sie eines an.</translation>
    </message>
    <message>
        <source>Building on {python}</source>
        <translation>Grundlage ist {python}</translation>
    </message>
    <message>
        <source>Installing geoarseg</source>
        <translation>geoarseg wird installiert</translation>
    </message>
    <message>
        <source>Remove the environment of geoarseg? It can be made again at any time.</source>
        <translation>Die Umgebung von geoarseg entfernen? Sie kann jederzeit neu angelegt werden.</translation>
    </message>
    <message>
        <source>Removing geoarseg</source>
        <translation>geoarseg wird entfernt</translation>
    </message>
    <message>
        <source>Checking geoarseg</source>
        <translation>geoarseg wird geprüft</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keine</translation>
    </message>
    <message>
        <source>geoarseg {geoarseg}, Python {python}, torch {torch}, GDAL {gdal}; GPU: {gpus}</source>
        <translation>geoarseg {geoarseg}, Python {python}, torch {torch}, GDAL {gdal}; GPU: {gpus}</translation>
    </message>
    <message>
        <source>All is well.</source>
        <translation>Alles ist in Ordnung.</translation>
    </message>
    <message>
        <source>The image is rotated against its coordinate system: give polygons as the area.</source>
        <translation>Das Bild ist gegen sein Koordinatensystem gedreht: Geben Sie das Gebiet als Polygone an.</translation>
    </message>
    <message>
        <source>The extent lies outside of the image.</source>
        <translation>Die Ausdehnung liegt außerhalb des Bildes.</translation>
    </message>
    <message>
        <source>Exporting {columns} x {rows} pixels of {name}.</source>
        <translation>{columns} x {rows} Pixel von {name} werden exportiert.</translation>
    </message>
    <message>
        <source>GDAL cannot open {path}.</source>
        <translation>GDAL kann {path} nicht öffnen.</translation>
    </message>
    <message>
        <source>geoarseg is not installed yet. Open Plugins &gt; geoarseg &gt; Environment, and choose Install.</source>
        <translation>geoarseg ist noch nicht installiert. Öffnen Sie Erweiterungen &gt; geoarseg &gt; Umgebung, und wählen Sie Installieren.</translation>
    </message>
    <message>
        <source>The system ended geoarseg, most likely because the memory was not enough. Close other programs, or set smaller windows (segment.window_px=256) or batches (train.batch=4) under the advanced parameters.</source>
        <translation>Das System hat geoarseg beendet, vermutlich weil der Speicher nicht reichte. Schließen Sie andere Programme, oder geben Sie unter den erweiterten Parametern kleinere Fenster (segment.window_px=256) oder weniger Ausschnitte je Schritt (train.batch=4) an.</translation>
    </message>
    <message>
        <source>geoarseg ended unexpectedly (code {code}). The log has its last words.</source>
        <translation>geoarseg endete unerwartet (Code {code}). Seine letzten Meldungen stehen im Protokoll.</translation>
    </message>
    <message>
        <source>Cancelled; nothing was changed.</source>
        <translation>Abgebrochen; nichts wurde geändert.</translation>
    </message>
    <message>
        <source>The server's certificate could not be verified ({detail}). If your network has one of its own, ask those who run it for its file and set the variable SSL_CERT_FILE to that.</source>
        <translation>Das Zertifikat des Servers konnte nicht geprüft werden ({detail}). Hat Ihr Netz ein eigenes, so erbitten Sie dessen Datei von denen, die es betreiben, und setzen Sie die Variable SSL_CERT_FILE darauf.</translation>
    </message>
    <message>
        <source>A downloaded file does not have the checksum it should have ({detail}). Nothing of it was installed. Try again; if it happens again, something changes files on the way: ask those who run your network.</source>
        <translation>Eine heruntergeladene Datei hat nicht die Prüfsumme, die sie haben müsste ({detail}). Nichts davon wurde installiert. Versuchen Sie es erneut; geschieht es wieder, so verändert etwas unterwegs Dateien: Fragen Sie die, die Ihr Netz betreiben.</translation>
    </message>
    <message>
        <source>{program} does not work ({detail}). Repair or change it under Plugins &gt; geoarseg &gt; Environment.</source>
        <translation>{program} funktioniert nicht ({detail}). Reparieren oder ändern Sie es unter Erweiterungen &gt; geoarseg &gt; Umgebung.</translation>
    </message>
    <message>
        <source>The geoarseg found is version {version}, but this plugin needs {least} or newer. Repair it under Plugins &gt; geoarseg &gt; Environment.</source>
        <translation>Das gefundene geoarseg hat Version {version}, diese Erweiterung braucht aber {least} oder neuer. Reparieren Sie es unter Erweiterungen &gt; geoarseg &gt; Umgebung.</translation>
    </message>
    <message>
        <source>The disk of {folder} has {free} left, but {needed} are needed. Free some space, and try again.</source>
        <translation>Auf dem Datenträger von {folder} sind noch {free} frei, gebraucht werden aber {needed}. Schaffen Sie Platz, und versuchen Sie es erneut.</translation>
    </message>
    <message>
        <source>The disk is full ({detail}). Free some space, and try again.</source>
        <translation>Der Datenträger ist voll ({detail}). Schaffen Sie Platz, und versuchen Sie es erneut.</translation>
    </message>
    <message>
        <source>A file is in use by another program ({detail}). End running geoarseg jobs; an antivirus program may hold the file for some minutes. Then try again.</source>
        <translation>Eine Datei wird von einem anderen Programm benutzt ({detail}). Beenden Sie laufende Arbeiten von geoarseg; auch ein Virenscanner kann die Datei einige Minuten lang festhalten. Versuchen Sie es dann erneut.</translation>
    </message>
    <message>
        <source>The package server could not be reached ({detail}). Check the connection and, under Settings &gt; Options &gt; Network, the proxy. Then try again.</source>
        <translation>Der Paketserver war nicht zu erreichen ({detail}). Prüfen Sie die Verbindung und, unter Einstellungen &gt; Optionen &gt; Netzwerk, den Proxy. Versuchen Sie es dann erneut.</translation>
    </message>
    <message>
        <source>A package could not be found for this computer ({detail}). Try the other build, or another Python.</source>
        <translation>Ein Paket war für diesen Rechner nicht zu finden ({detail}). Versuchen Sie die andere Variante oder ein anderes Python.</translation>
    </message>
    <message>
        <source>{folder} may not be written. No administrator's rights are needed if you choose a folder of your own: ask those who run this computer about your profile's folder.</source>
        <translation>{folder} darf nicht beschrieben werden. Administratorrechte braucht es nicht, aber der Ordner Ihres Profils muss Ihnen gehören: Fragen Sie die, die diesen Rechner betreuen.</translation>
    </message>
    <message>
        <source>A file may not be written ({detail}). Administrator's rights are not needed, but your profile's folder must be yours to write.</source>
        <translation>Eine Datei darf nicht geschrieben werden ({detail}). Administratorrechte braucht es nicht, aber der Ordner Ihres Profils muss Ihnen gehören.</translation>
    </message>
    <message>
        <source>No Python {oldest} to {newest} was found. Install one from python.org, for yourself alone, without administrator's rights; then try again, or point to it.</source>
        <translation>Es wurde kein Python {oldest} bis {newest} gefunden. Installieren Sie eines von python.org, nur für sich, ohne Administratorrechte; versuchen Sie es dann erneut, oder geben Sie es an.</translation>
    </message>
    <message>
        <source>The plugin is not complete: {folder} holds no geoarseg. Install the plugin again from its zip.</source>
        <translation>Die Erweiterung ist nicht vollständig: In {folder} ist kein geoarseg. Installieren Sie die Erweiterung erneut aus ihrer ZIP-Datei.</translation>
    </message>
    <message>
        <source>The folder {folder} has so long a name that Windows could not hold the files in it. Point to an environment that you made in a shorter folder.</source>
        <translation>Der Ordner {folder} hat einen so langen Namen, dass Windows die Dateien darin nicht aufnehmen könnte. Geben Sie eine Umgebung an, die Sie in einem kürzeren Ordner angelegt haben.</translation>
    </message>
    <message>
        <source>pip failed with code {code} ({detail}). The log has all it said.</source>
        <translation>pip scheiterte mit Code {code} ({detail}). Im Protokoll steht alles, was es meldete.</translation>
    </message>
    <message>
        <source>The proxy did not let the download through ({detail}). Check address, user and password of the proxy under Settings &gt; Options &gt; Network.</source>
        <translation>Der Proxy ließ das Herunterladen nicht zu ({detail}). Prüfen Sie Adresse, Benutzer und Passwort des Proxys unter Einstellungen &gt; Optionen &gt; Netzwerk.</translation>
    </message>
    <message>
        <source>{program} is a 32-bit Python; torch needs one of 64 bits.</source>
        <translation>{program} ist ein Python mit 32 Bit; torch braucht eines mit 64 Bit.</translation>
    </message>
    <message>
        <source>{program} cannot be started ({detail}). Point to another Python.</source>
        <translation>{program} kann nicht gestartet werden ({detail}). Geben Sie ein anderes Python an.</translation>
    </message>
    <message>
        <source>{program} lacks a part that is needed ({detail}). On Debian and Ubuntu install python3-venv; elsewhere take Python from python.org.</source>
        <translation>{program} fehlt ein Teil, der gebraucht wird ({detail}). Installieren Sie unter Debian und Ubuntu python3-venv; nehmen Sie sonst Python von python.org.</translation>
    </message>
    <message>
        <source>{program} is Python {version}, but {oldest} to {newest} is needed. Point to another one.</source>
        <translation>{program} ist Python {version}, gebraucht wird aber {oldest} bis {newest}. Geben Sie ein anderes an.</translation>
    </message>
    <message>
        <source>The system reported an error ({detail}).</source>
        <translation>Das System meldete einen Fehler ({detail}).</translation>
    </message>
    <message>
        <source>geoarseg was installed, but does not work here ({detail}).</source>
        <translation>geoarseg wurde installiert, funktioniert hier aber nicht ({detail}).</translation>
    </message>
    <message>
        <source>This Python cannot make environments ({detail}). On Debian and Ubuntu install python3-venv; elsewhere take Python from python.org.</source>
        <translation>Dieses Python kann keine Umgebungen anlegen ({detail}). Installieren Sie unter Debian und Ubuntu python3-venv; nehmen Sie sonst Python von python.org.</translation>
    </message>
    <message>
        <source>Environment…</source>
        <translation>Umgebung …</translation>
    </message>
    <message>
        <source>geoarseg: land-cover maps without labels</source>
        <translation>geoarseg: Landbedeckungskarten ohne Referenzdaten</translation>
    </message>
    <message>
        <source>Cancelled. The log is {log}.</source>
        <translation>Abgebrochen. Das Protokoll ist {log}.</translation>
    </message>
    <message>
        <source>The log is {log}.</source>
        <translation>Das Protokoll ist {log}.</translation>
    </message>
    <message>
        <source>Statistics of the bands</source>
        <translation>Statistik der Kanäle</translation>
    </message>
    <message>
        <source>Consensus of mixtures</source>
        <translation>Konsens der Mischungen</translation>
    </message>
    <message>
        <source>Segmentation</source>
        <translation>Segmentierung</translation>
    </message>
    <message>
        <source>Sieve</source>
        <translation>Sieb</translation>
    </message>
</context>
</TS>
